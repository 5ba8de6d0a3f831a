# Shared by the layers: install a lock file for Lambda's platform, whatever platform and Python this machine has.
# `sam build` runs a layer's Makefile by its path in the checkout, from a scratch copy of the layer; ARTIFACTS_DIR is its own.

.SILENT:

LAYER := $(dir $(abspath $(firstword $(MAKEFILE_LIST))))
ROOT := $(abspath $(LAYER)/../..)
PIP := $(ROOT)/.venv/bin/python -I -m pip
TARGET := $(ARTIFACTS_DIR)/python

# arm64 is what template.yaml deploys; x86_64 is for trying a layer on such a machine (its OpenCV alone is past Lambda's limit).
ARCH ?= arm64
MACHINE := $(if $(filter arm64,$(ARCH)),aarch64,x86_64)

# Lambda's Python 3.13 runs on Amazon Linux 2023, glibc 2.34.
TAGS := manylinux2014 manylinux_2_17 manylinux_2_24 manylinux_2_26 manylinux_2_27 manylinux_2_28 manylinux_2_31 manylinux_2_34
PLATFORM := $(foreach tag,$(TAGS),--platform $(tag)_$(MACHINE)) --python-version 3.13 --implementation cp --only-binary :all:

# --no-deps: the lock is complete, and pip would judge its markers by this machine's Python.
define install
$(PIP) install -qq --no-input --disable-pip-version-check --progress-bar off --no-compile --no-user \
  $(PLATFORM) --require-hashes --no-deps --resume-retries 5 --target $(TARGET) --requirement $(LAYER)requirements.txt
rm -rf $(TARGET)/bin
find $(TARGET) -type d \( -name __pycache__ -o -name tests \) -prune -exec rm -rf {} +
endef

# Bytecode saves a cold start the compiling, but only 3.13's own is read there. Unchecked: Lambda's file times are not ours.
define compile
if python3.13 -c 0 2>/dev/null; then \
  PYTHONPYCACHEPREFIX= python3.13 -m compileall -q -j 0 --invalidation-mode unchecked-hash -s $(TARGET) -p /opt/python $(TARGET); \
else echo "No python3.13 here: the layer goes without bytecode, and cold starts take a little longer."; fi
endef
