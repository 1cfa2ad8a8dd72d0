// SPDX-License-Identifier: Apache-2.0
// TLS and mutual TLS: certificates made by the openssl program when the test starts.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "support/certificates.h"
#include "support/plugin.h"
#include "support/process.h"
#include "support/processor.h"

namespace agones::test {
namespace {

using local::LocalProcessor;
namespace fs = std::filesystem;

class Tls : public testing::Test {
 protected:
  void SetUp() override {
    make_ca("ca");
    make_certificate("ca", "server", "processor.test", 10);
    make_certificate("ca", "client", "host.test", 10);
  }

  std::string path(const std::string& name) const { return certificates_.path(name); }
  std::string read(const std::string& name) const { return certificates_.read(name); }
  void make_ca(const std::string& name) const { certificates_.make_ca(name); }
  void make_certificate(const std::string& ca, const std::string& name, const std::string& host, int days) const {
    certificates_.make_certificate(ca, name, host, days);
  }

  local::LocalProcessorOptions server(bool mutual, const std::string& name = "server") const {
    auto options = quick_options();
    options.certificate_pem = read(name + ".pem");
    options.key_pem = read(name + ".key");
    if (mutual) {
      options.client_ca_pem = read("ca.pem");
    }
    return options;
  }

  // Keeps what the config points to.
  Client::Adjust tls(const std::string& ca, const std::string& client_certificate = {}) {
    files_ = {path(ca + ".pem"), path(client_certificate + ".pem"), path(client_certificate + ".key")};
    const bool mutual = !client_certificate.empty();
    return [this, mutual](proc_config& config) {
      config.transport = PROC_TRANSPORT_TLS;
      config.tls_ca_file = text(files_[0]);
      if (mutual) {
        config.tls_certificate_file = text(files_[1]);
        config.tls_key_file = text(files_[2]);
      }
    };
  }

  static void expect_allocated(Client& client) {
    client.allocate();
    ASSERT_TRUE(client.poll_until_results(1));
    EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED);
  }

  // Backing off, with a reason that has the text, which is logged too.
  static void expect_refused(Client& client, const std::string& reason_part) {
    std::string reason;
    ASSERT_TRUE(client.poll_until([&] { return client.connection(&reason) == PROC_CONNECTION_BACKING_OFF; }));
    EXPECT_NE(reason.find(reason_part), std::string::npos) << reason;
    EXPECT_TRUE(client.poll_until([&] {
      return std::any_of(client.logs.begin(), client.logs.end(),
                         [&](const Event& line) { return line.message.find(reason_part) != std::string::npos; });
    }));
  }

  const Certificates certificates_;
  std::vector<std::string> files_;
};

TEST_F(Tls, FromFiles) {
  LocalProcessor processor(server(false), fleet_of(1));
  Client client(processor.address(), tls("ca"));
  expect_allocated(client);
}

TEST_F(Tls, MutualFromMemory) {
  LocalProcessor processor(server(true), fleet_of(1));
  const std::string ca = read("ca.pem");
  const std::string certificate = read("client.pem");
  const std::string key = read("client.key");
  Client client(processor.address(), [&](proc_config& config) {
    config.transport = PROC_TRANSPORT_TLS;
    config.tls_ca_pem = text(ca);
    config.tls_certificate_pem = text(certificate);
    config.tls_key_pem = text(key);
  });
  expect_allocated(client);
}

TEST_F(Tls, ServerNameOverride) {
  LocalProcessor processor(server(false), fleet_of(1));
  const auto base = tls("ca");
  Client good(processor.address(), [&](proc_config& config) {
    base(config);
    config.tls_server_name = text("processor.test");
  });
  expect_allocated(good);
  Client bad(processor.address(), [&](proc_config& config) {
    base(config);
    config.tls_server_name = text("another.test");
  });
  expect_refused(bad, "another.test");
}

// With a gRPC that is not the plugin's own (ThreadSanitizer's build), its text is all there is.
#if defined(AGONES_THREAD_SANITIZER)
constexpr bool kReasonsAreKnown = false;
#else
constexpr bool kReasonsAreKnown = true;
#endif

TEST_F(Tls, AnUnknownAuthorityIsRefused) {
  make_ca("other");
  LocalProcessor processor(server(false), fleet_of(1));
  Client client(processor.address(), tls("other"));
  expect_refused(client,
                 kReasonsAreKnown ? "its certificate: unable to get local issuer" : "certificate verify failed");
}

TEST_F(Tls, ASelfSignedCertificateIsRefused) {
  make_ca("alone");
  LocalProcessor processor(server(false, "alone"), fleet_of(1));
  Client client(processor.address(), tls("ca"));
  expect_refused(client, kReasonsAreKnown ? "its certificate: self-signed certificate" : "certificate verify failed");
}

TEST_F(Tls, AnExpiredCertificateIsRefused) {
  make_certificate("ca", "expired", "processor.test", 0);
  LocalProcessor processor(server(false, "expired"), fleet_of(1));
  Client client(processor.address(), tls("ca"));
  expect_refused(client, kReasonsAreKnown ? "its certificate: certificate has expired" : "certificate verify failed");
}

TEST_F(Tls, WhatIsNoCertificateOrNotItsKeyIsRefusedAtOnce) {
  std::ofstream(path("junk.pem")) << "-----BEGIN CERTIFICATE-----\nanVuaw==\n-----END CERTIFICATE-----\n";
  std::ofstream(path("junk.key")) << "-----BEGIN PRIVATE KEY-----\nanVuaw==\n-----END PRIVATE KEY-----\n";
  const std::string ca = path("ca.pem");
  const std::string junk = path("junk.pem");
  const std::string missing = path("missing.pem");
  const std::string certificate = path("client.pem");
  const std::string key = path("client.key");
  const std::string junk_key = path("junk.key");
  const std::string other_key = path("server.key");
  const struct {
    std::string ca, certificate, key, problem;
  } cases[] = {
      {junk, certificate, key, "tls_ca: no certificate in '" + junk + "'"},
      {key, certificate, key, "tls_ca: no certificate in '" + key + "'"},
      {missing, certificate, key, "tls_ca: cannot read '" + missing + "': No such file or directory"},
      {ca, junk, key, "tls_certificate: no certificate in '" + junk + "'"},
      {ca, certificate, junk_key, "tls_key: no private key, or one with a passphrase, in '" + junk_key + "'"},
      {ca, certificate, other_key,
       "tls_key: the key in '" + other_key + "' is not that of the certificate in '" + certificate + "'"},
  };
  for (const auto& tried : cases) {
    proc_config config = plaintext_config("127.0.0.1:1");
    config.transport = PROC_TRANSPORT_TLS;
    config.tls_ca_file = text(tried.ca);
    config.tls_certificate_file = text(tried.certificate);
    config.tls_key_file = text(tried.key);
    proc_client* client = nullptr;
    char error[512] = "";
    EXPECT_EQ(plugin().init(&config, &client, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
    EXPECT_EQ(error, tried.problem);
  }
}

TEST_F(Tls, PlaintextToATlsProcessorIsNoHang) {
  LocalProcessor processor(server(false), fleet_of(1));
  Client client(processor.address(), [](proc_config& config) { config.connect_timeout_ms = 500; });
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_BACKING_OFF; }));
}

TEST_F(Tls, ARotatedCertificateIsUsedWithoutARestart) {
  // The host's certificate is of an authority that the processor does not know, until it is rotated.
  make_ca("other");
  make_certificate("other", "rotating", "host.test", 10);
  LocalProcessor processor(server(true), fleet_of(1));
  Client client(processor.address(), tls("ca", "rotating"));
  client.allocate();
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_BACKING_OFF; }));
  make_certificate("ca", "rotating", "host.test", 10);
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED);
}

TEST_F(Tls, AFileThatVanishesIsAClearReason) {
  make_certificate("ca", "vanishing", "host.test", 10);
  auto processor = std::make_unique<LocalProcessor>(server(true), fleet_of(1));
  Client client(processor->address(), tls("ca", "vanishing"));
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
  fs::remove(path("vanishing.key"));
  processor->kill();
  std::string reason;
  ASSERT_TRUE(client.poll_until([&] {
    client.connection(&reason);
    return reason.find("tls_key: cannot read") != std::string::npos;
  })) << reason;
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(AGONES_THREAD_SANITIZER)
TEST_F(Tls, TheLibraryUnloadsAfterASession) {
  const fs::path copied = path("plugin.so");
  fs::copy_file(plugin_path(), copied);
  LocalProcessor processor(server(true), fleet_of(3));
  for (int round = 0; round < 3; ++round) {
    RawLibrary library(copied);
    {
      Client client(processor.address(), tls("ca", "client"), library.api());
      expect_allocated(client);
      ASSERT_EQ(client.shutdown(), PROC_OK) << client.last_refusal.error;
    }
    char reason[256] = "";
    ASSERT_EQ(library.api().get_unload_state(reason, sizeof(reason)), PROC_UNLOAD_SAFE) << reason;
    library.close();
    EXPECT_EQ(mapping_count(copied), 0U);
  }
}
#endif

}  // namespace
}  // namespace agones::test
