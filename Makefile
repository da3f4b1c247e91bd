# What one can do here. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help quickstart test sandbox sandbox-down shell fault mysql status build deploy generate check unit process sim \
        test-mutants faults e2e failover bench-failover bench-cost quiet ready-time clean
SHELL := /bin/bash
TSX := node --import tsx

# npm writes this file last: it is older than the lock file when the packages are not those of the lock file.
DEPS := node_modules/.package-lock.json
$(DEPS): package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

help: ## this list
	@echo "Porpoise: MySQL on Kubernetes. What one can do here (as root, on Debian 12 with Node.js 20 and Go):"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

quickstart: $(DEPS) ## from nothing to a cluster that fails over: kill, delete, unplug its primary, and count the rows
	@$(TSX) sandbox/quickstart/main.ts

test: $(DEPS) ## everything: types, lint, unit, real mysqld, end to end; PROOF=1: 10^5 schedules, real faults; the last line counts
	@PROOF=$(PROOF) $(TSX) scripts/test.ts

sandbox: $(DEPS) ## a real three-node Kubernetes on this machine (first time: builds it, about 20 minutes)
	@$(TSX) sandbox/main.ts up

sandbox-down: $(DEPS) ## take it away without a trace
	@$(TSX) sandbox/main.ts down

status: $(DEPS) ## who holds the sandbox, what runs
	@$(TSX) sandbox/main.ts status

shell: $(DEPS) ## a shell with kubectl for the sandbox
	@$(TSX) sandbox/main.ts shell

fault: $(DEPS) ## a fault by hand: make fault F="kill shop-0-0 mysqld"; without F it lists them
	@$(TSX) sandbox/main.ts fault $(F) || test -z "$(F)"

mysql: $(DEPS) ## a mysql client at the primary of cluster shop (C=name, NS=namespace for another)
	@$(TSX) sandbox/quickstart/mysql.ts

build: $(DEPS) ## dist/: the module, the manifests to install, the agent's bundles
	npm run --silent build

deploy: $(DEPS) ## install or update Porpoise in the cluster of KUBECONFIG (PORPOISE_IMAGE names your registry's image)
	npm run --silent deploy

generate: $(DEPS) ## make api/generated/ and docs/api.md from crds/
	npm run --silent generate

check: $(DEPS) ## types, lint, format, generated files, build outputs
	@$(TSX) scripts/test.ts check

unit: $(DEPS) ## unit and property tests, golden files, admission tables, the simulation: no cluster needed
	@$(TSX) scripts/test.ts unit

sim: $(DEPS) ## the simulation alone, in two processes: SCHEDULES=100000 seeded schedules, FROM=1 or by the clock
	@$(TSX) test/sim/main.ts --schedules $(or $(SCHEDULES),100000) $(if $(FROM),--from $(FROM))

test-mutants: $(DEPS) ## break the core on purpose, one promise at a time: the simulation must see each; the last line counts
	@$(TSX) test/sim/mutants.main.ts

process: $(DEPS) ## real agents and mysqlds on this machine, without Kubernetes
	@$(TSX) scripts/test.ts process

faults: $(DEPS) ## N=20 real faults under clients (SEED=, MEMBERS=1|2+witness|3|5 or a list, FAULT=), the verdict after each
	@N=$(N) SEED=$(SEED) MEMBERS=$(MEMBERS) FAULT=$(FAULT) LOAD=$(LOAD) $(TSX) test/faults/main.ts

e2e: $(DEPS) ## end to end on the sandbox
	@$(TSX) scripts/test.ts e2e

failover: $(DEPS) ## N=20 times SIGKILL to the primary's mysqld (FAULT=pod-deleted, node-lost) under 8 writers
	@N=$(N) SEED=$(SEED) FAULT=$(FAULT) $(TSX) bench/failover.ts

bench-failover: $(DEPS) ## docs/figures: N=100 of each fault, beside Group Replication (PEER_N, ROWS, PEERS, MINUTES, RESUME=1, KEEP=1)
	@$(TSX) bench/trials/main.ts

bench-cost: $(DEPS) ## docs/figures: throughput and commit latency beside a mysqld alone and Group Replication; idle load
	@$(TSX) bench/cost/main.ts

quiet: $(DEPS) ## MINUTES=30 in which nothing happens: false failovers, CPU and memory of an idle cluster
	@MINUTES=$(MINUTES) $(TSX) bench/quiet.ts

ready-time: $(DEPS) ## N=3 times from kubectl apply to Ready
	@N=$(N) $(TSX) bench/ready.ts

clean: ## what builds and measurements made (the cache outside the checkout stays)
	rm -rf dist out
