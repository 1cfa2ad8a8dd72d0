// SPDX-License-Identifier: Apache-2.0
#include "stream/pem.h"

#include "stream/environment.h"
#include "stream/system_ca.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "text/english.h"

namespace agones::plugin {

namespace {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

// What fails in here leaves no trace in the error queue of the host's thread.
class OwnErrors {
 public:
  OwnErrors() { ERR_set_mark(); }
  ~OwnErrors() { ERR_pop_to_mark(); }
  OwnErrors(const OwnErrors&) = delete;
  OwnErrors& operator=(const OwnErrors&) = delete;
};

Result read_file(const std::string& path, std::string& content) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  errno = 0;
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "re"), close);
  char buffer[4096];
  std::size_t got = 0;
  while (file != nullptr && (got = std::fread(buffer, 1, sizeof(buffer), file.get())) > 0) {
    content.append(buffer, got);
  }
  if (file != nullptr && std::ferror(file.get()) == 0) {
    return {};
  }
  const int error = errno;
  return invalid("cannot read '" + path + "': " + error_text(error));
}

Result read(const PemSource& source, const char* field, std::string& pem) {
  pem = source.text;
  return source.file.empty() ? Result() : in(field, read_file(source.file, pem));
}

Bio bio_of(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// Never a passphrase, or OpenSSL asks for it on the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
  return 0;
}

Certificate first_certificate(const std::string& pem) {
  return Certificate(PEM_read_bio_X509(bio_of(pem).get(), nullptr, no_passphrase, nullptr));
}

// What the config names; else the system's, so that the library finds it whatever distribution it runs on.
Result find_authorities(const PemSource& configured, PemSource& found) {
  if (configured.given()) {
    found = configured;
    return {};
  }
  const std::vector<std::string> files = system_ca_files(environment);
  found = {first_readable(files), {}};
  if (const std::string more = system_ca_folders(environment); !more.empty()) {
    std::string text;
    if (found.given()) {
      PROC_TRY(read(found, "tls_ca", text));
    }
    found = {{}, text + "\n" + more};
  }
  if (!found.given()) {
    std::string text = "tls_ca: not set, and the system has no authorities to trust; looked for";
    for (const std::string& file : files) {
      text += " '" + file + "'";
    }
    return invalid(text + " and in the folders of SSL_CERT_DIR");
  }
  return {};
}

std::string where(const PemSource& source) {
  return source.file.empty() ? "the text" : "'" + source.file + "'";
}

}  // namespace

Result read_pems(const PemSource& configured_ca, const PemSource& certificate, const PemSource& key, PemTexts& texts) {
  const OwnErrors own_errors;
  PemSource ca;
  PROC_TRY(find_authorities(configured_ca, ca));
  PROC_TRY(read(ca, "tls_ca", texts.ca));
  PROC_TRY(read(certificate, "tls_certificate", texts.certificate));
  PROC_TRY(read(key, "tls_key", texts.key));
  if (first_certificate(texts.ca) == nullptr) {
    return invalid("tls_ca: no certificate in " + where(ca));
  }
  if (!certificate.given()) {
    return {};
  }
  const Certificate its_certificate = first_certificate(texts.certificate);
  const Key its_key(PEM_read_bio_PrivateKey(bio_of(texts.key).get(), nullptr, no_passphrase, nullptr));
  if (its_certificate == nullptr) {
    return invalid("tls_certificate: no certificate in " + where(certificate));
  }
  if (its_key == nullptr) {
    return invalid("tls_key: no private key, or one with a passphrase, in " + where(key));
  }
  if (X509_check_private_key(its_certificate.get(), its_key.get()) != 1) {
    return invalid("tls_key: the key in " + where(key) + " is not that of the certificate in " + where(certificate));
  }
  return {};
}

}  // namespace agones::plugin
