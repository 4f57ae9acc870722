# Drawbridge: the two commands that matter are `make run` and `make test`.
# They install what they need (see scripts/need), or say what to install.

PROFILE ?= dev

.DEFAULT_GOAL := help
.PHONY: help run test test-home package bench fmt bindings clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\): ## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

run: ## open the window; without a display, serve the same pages to a browser (PROFILE=release for daily use)
	@PROFILE=$(PROFILE) scripts/run

test: ## everything: formatting, lints, licences, unit, federation, browser and window tests
	@scripts/test

package: ## .deb and .rpm of the provider without a desktop and of the desktop app, in target/packages
	@scripts/package

test-home: ## what takes longer: makes the packages, and installs them into a system of their own (as root)
	@scripts/test-home

bench: ## measure; prints one table
	@scripts/need build
	cargo run --release --locked -p drawbridge-benches

fmt: ## format the Rust code
	cargo fmt --all

bindings: ## write the TypeScript types of the admin contract anew
	WRITE_BINDINGS=1 cargo test -p drawbridge-remote --test bindings

clean: ## remove everything that was built
	cargo clean
	rm -rf ui/dist ui/node_modules tests/gui/node_modules gen
