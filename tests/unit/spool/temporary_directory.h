#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "spool/disk/real_disk.h"

namespace veredus::spool {

// A real directory that goes with its test.
class TemporaryDirectory {
  public:
    TemporaryDirectory()
        : path_((std::filesystem::temp_directory_path() / "veredus-test-XXXXXX").string()) {
        if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp");
        directory_ = open_real_directory(path_);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    Directory& directory() { return *directory_; }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
    std::unique_ptr<Directory> directory_;
};

}  // namespace veredus::spool
