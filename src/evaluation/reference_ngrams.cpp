#include "evaluation/reference_ngrams.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace wavemt {
namespace {

constexpr uint32_t kRoot = 0;
constexpr size_t kInitialEdges = 1024;
constexpr size_t kMostEdgesKept = 16384;  // 256 KiB: more would not stay in a processor's cache.

uint64_t KeyOf(uint32_t parent, uint32_t symbol) {
  return (static_cast<uint64_t>(parent) << 32) | symbol;
}

int ShiftFor(size_t num_edges) { return 64 - std::countr_zero(num_edges); }

}  // namespace

ReferenceNgrams::ReferenceNgrams(size_t max_order)
    : max_order_(max_order), nodes_(1), edges_(kInitialEdges), shift_(ShiftFor(kInitialEdges)) {}

void ReferenceNgrams::Clear() {
  nodes_.assign(1, Node{});
  if (edges_.size() > kMostEdgesKept) {
    edges_.assign(kInitialEdges, Edge{});
    shift_ = ShiftFor(kInitialEdges);
    generation_ = 0;
  }
  if (++generation_ == 0) {  // After 2^32 calls, old edges would look new.
    std::fill(edges_.begin(), edges_.end(), Edge{});
    generation_ = 1;
  }
}

// The edge's place, or the free one that it would get. Multiplicative hashing (Knuth, 6.4).
size_t ReferenceNgrams::PlaceOf(uint64_t key) const {
  size_t i = (key * 0x9E3779B97F4A7C15U) >> shift_;
  while (edges_[i].generation == generation_ && edges_[i].key != key) {
    i = (i + 1) & (edges_.size() - 1);
  }
  return i;
}

uint32_t ReferenceNgrams::ChildOrNew(uint32_t parent, uint32_t symbol) {
  const uint64_t key = KeyOf(parent, symbol);
  Edge* edge = &edges_[PlaceOf(key)];
  if (edge->generation == generation_) return edge->child;
  if (nodes_.size() * 2 > edges_.size()) {
    Grow();
    edge = &edges_[PlaceOf(key)];
  }
  const auto child = static_cast<uint32_t>(nodes_.size());
  *edge = {.key = key, .child = child, .generation = generation_};
  nodes_.emplace_back();
  return child;
}

uint32_t ReferenceNgrams::ChildOrRoot(uint32_t parent, uint32_t symbol) const {
  const Edge& edge = edges_[PlaceOf(KeyOf(parent, symbol))];
  return edge.generation == generation_ ? edge.child : kRoot;
}

void ReferenceNgrams::Grow() {
  std::vector<Edge> old = std::exchange(edges_, std::vector<Edge>(edges_.size() * 4));
  shift_ = ShiftFor(edges_.size());
  for (const Edge& edge : old) {
    if (edge.generation == generation_) edges_[PlaceOf(edge.key)] = edge;
  }
}

void ReferenceNgrams::Add(std::span<const uint32_t> reference) {
  for (size_t begin = 0; begin < reference.size(); ++begin) {
    const size_t end = std::min(begin + max_order_, reference.size());
    uint32_t node = kRoot;
    for (size_t i = begin; i < end; ++i) {
      node = ChildOrNew(node, reference[i]);
      ++nodes_[node].recent;
    }
  }
  for (Node& node : nodes_) {
    node.count = std::max(node.count, node.recent);
    node.recent = 0;
  }
}

void ReferenceNgrams::CountMatches(std::span<const uint32_t> hypothesis,
                                   std::span<int64_t> matches) {
  for (size_t begin = 0; begin < hypothesis.size(); ++begin) {
    const size_t end = std::min(begin + max_order_, hypothesis.size());
    uint32_t node = kRoot;
    for (size_t i = begin; i < end; ++i) {
      node = ChildOrRoot(node, hypothesis[i]);
      if (node == kRoot) break;
      if (++nodes_[node].recent <= nodes_[node].count) ++matches[i - begin];
    }
  }
  for (Node& node : nodes_) node.recent = 0;
}

}  // namespace wavemt
