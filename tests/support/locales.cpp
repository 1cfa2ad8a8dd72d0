// SPDX-License-Identifier: Apache-2.0
#include "support/locales.h"

#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <locale>
#include <stdexcept>

#include "support/process.h"
#include "support/temporary_folder.h"

namespace agones::test {

OtherLocale::OtherLocale(const std::string& name) {
  static const TemporaryFolder folder;
  const std::string made = folder.file(name + ".UTF-8");
  // Its exit code says too little: it is 1 for a locale that was made with warnings.
  const std::string said = run_program({"sh", "-c", "localedef -i " + name + " -f UTF-8 " + made + " 2>&1"}).output;
  if (!std::filesystem::exists(made + "/LC_NUMERIC")) {
    throw std::runtime_error("locale " + name + " can't be made (package locales): " + said);
  }
  setenv("LOCPATH", folder.path().c_str(), 1);
  // So that libc's texts are in that language, too.
  setenv("LANGUAGE", name.substr(0, 2).c_str(), 1);
  std::locale::global(std::locale(name + ".UTF-8"));
  if (std::setlocale(LC_ALL, nullptr) != name + ".UTF-8") {
    throw std::runtime_error("locale " + name + " can't be set");
  }
}

OtherLocale::~OtherLocale() {
  std::locale::global(std::locale::classic());
  unsetenv("LANGUAGE");
  unsetenv("LOCPATH");
}

}  // namespace agones::test
