# `make` lists what can be done.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

IMAGE ?= entitlement-operator:latest
# Read by tests/demo/run.
export KEEP CLUSTER

.PHONY: help build controlplane demo playground test bench check fmt lint doc generate check-generated check-manifests check-licences audit image install clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-16s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the operator, optimized: target/release/entitlement-operator
	cargo build --release --locked --bin entitlement-operator

controlplane: ## kube-apiserver and etcd for tests and demo (minutes the first time)
	tests/controlplane/build

demo: ## the tutorial on a real API server; KEEP=1 leaves it running, CLUSTER=1 uses the cluster of kubectl
	tests/demo/run

playground: ## only starts control plane and operator, and leaves them running
	KEEP=1 TUTORIAL=0 tests/demo/run

test: ## all tests: unit, property, and on a real API server
	cargo test --locked

bench: ## the operator under load, as ratios to the raw speed of the API server; some minutes
	cargo bench --locked --bench load

check: fmt-check lint doc check-generated check-manifests check-licences ## everything that needs no API server, apart from the tests

fmt: ## format the code
	cargo fmt

.PHONY: fmt-check
fmt-check:
	cargo fmt --check

lint: ## clippy, warnings denied
	cargo clippy --locked --all-targets -- -D warnings

doc: ## API documentation of the code, warnings denied
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps

generate: ## write crds/ and docs/api.md anew from src/api
	cargo run --quiet --locked --bin crdgen -- crds docs/api.md

check-generated: ## crds/ and docs/api.md are what src/api makes of them
	folder=$$(mktemp -d) && trap "rm -rf $$folder" EXIT && \
	cargo run --quiet --locked --bin crdgen -- "$$folder/crds" "$$folder/api.md" && \
	diff -ru crds "$$folder/crds" && diff -u docs/api.md "$$folder/api.md"

check-manifests: ## what is installed can be put together
	for variant in default without-stamping; do kubectl kustomize config/$$variant >/dev/null; done

check-licences: ## every dependency is under a licence of the list in .ci/licences
	.ci/licences

audit: ## known vulnerabilities of dependencies; needs cargo-deny and github.com
	cargo deny --locked check advisories

image: ## build the image IMAGE with docker
	docker build -t $(IMAGE) .

install: ## put kinds, rights, policies and the operator into the cluster of kubectl
	kubectl apply --server-side -k config/default

clean: ## delete what was built
	cargo clean
