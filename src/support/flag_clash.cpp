#include <cstddef>

// LibTorch and SentencePiece each have a global variable of this name, of 4 and of 32 bytes.
// Without a third one, the dynamic linker gives both that of LibTorch, where SentencePiece's is too
// large for its place: it set LibTorch's flag that turns a failed allocation into an abort. The
// program's own variable takes precedence, and has room for either; neither library uses what the
// other writes there.
extern "C" {
alignas(std::max_align_t) char FLAGS_minloglevel[64];  // NOLINT
}
