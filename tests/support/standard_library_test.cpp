// LibTorch exports symbols of its own copy of the standard library. They must not take precedence
// over the system's.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace wavemt {
namespace {

template <typename Function>
std::string LibraryOf(Function* function) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(function), &info) == 0) return "";
  return info.dli_fname;
}

TEST(StandardLibrary, IsTheSystems) {
  using Remove = std::uintmax_t(const std::filesystem::path&, std::error_code&);
  EXPECT_THAT(LibraryOf<Remove>(&std::filesystem::remove_all), testing::HasSubstr("/libstdc++.so"));
  using Absolute = std::filesystem::path(const std::filesystem::path&);
  EXPECT_THAT(LibraryOf<Absolute>(&std::filesystem::absolute), testing::HasSubstr("/libstdc++.so"));
}

}  // namespace
}  // namespace wavemt
