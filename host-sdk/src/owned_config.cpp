// SPDX-License-Identifier: Apache-2.0
#include "owned_config.h"

namespace agones {

OwnedConfig::OwnedConfig(const proc_config& config) : config_(config) {
  proc_text* const views[] = {&config_.client_id,    &config_.processor_address,    &config_.tls_ca_file,
                              &config_.tls_ca_pem,   &config_.tls_certificate_file, &config_.tls_certificate_pem,
                              &config_.tls_key_file, &config_.tls_key_pem,          &config_.tls_server_name};
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    texts_[i].assign(views[i]->data, views[i]->size);
    *views[i] = {texts_[i].data(), texts_[i].size()};
  }
}

}  // namespace agones
