#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The manifests against Kubernetes' own schemas, which a package of Python's registry carries: kubernetes_test.sh FOLDER VENV
set -euo pipefail
folder=$1 venv=$2
version=1.33.0
if [ ! -x "$venv/bin/kubernetes-validate" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet kubernetes-validate==1.37.0
fi
manifests=$(find "$folder" -name '*.yaml' ! -name values.yaml | sort)
# shellcheck disable=SC2086 # words
"$venv/bin/kubernetes-validate" --strict --kubernetes-version $version --quiet $manifests
# It does find what is wrong.
broken=$(mktemp --suffix .yaml)
trap 'rm -f "$broken"' EXIT
sed 's/readOnlyRootFilesystem/readOnlyRotFilesystem/' "$folder/host.yaml" >"$broken"
if "$venv/bin/kubernetes-validate" --strict --kubernetes-version $version --quiet "$broken" >/dev/null 2>&1; then
  echo "a misspelt field was not found" >&2
  exit 1
fi
echo "$(echo "$manifests" | wc -l) files are good to Kubernetes $version"
