# Préau. "make help" says what there is.
.DEFAULT_GOAL := help
.PHONY: help run build test check stories torture drills bench fuzz dist setup clean

# go test runs as many packages at once as there are cores; some start real programs.
GOTEST = go test -timeout 20m
export CGO_ENABLED ?= 0

FIRED = saint-philippe rodez bastogne late-bus ordinary-monday
DRILLS = $(FIRED) quiet-pupils year eure six-april cned hour-bell one-address slow-database roll-under-fire waiting-page

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

run: build ## build, then the demo, which prints its address (ARGS="--addr 127.0.0.1:9000 --data DIR")
	./bin/preau demo $(ARGS)

build: ## both programs: bin/preau, and bin/preau-live that carries the live classes (ONLY=preau leaves it out)
	go build -trimpath -o bin/preau ./cmd/preau
	$(if $(filter preau,$(ONLY)),,cd live && go build -trimpath -o ../bin/preau-live .)

test: setup ## install what is missing, then every test, on both databases (ARGS="-run Name")
	scripts/with-postgres $(GOTEST) $(ARGS) ./...
	cd live && go test -trimpath $(ARGS) ./...

check: setup ## formatting, vet, staticcheck, generated files up to date
	scripts/check

stories: setup ## whole mornings, told and checked (ARGS="-run TestStories/lea -v")
	scripts/with-postgres $(GOTEST) -count=1 $(ARGS) ./stories/...

torture: setup ## 1,000 random mornings with every fault of carriers, network and clock, kill -9 at every step (RUNS=1000)
	PREAU_TORTURE=$(or $(RUNS),1000) scripts/with-postgres go test -timeout 170m -count=1 -run TestTorture ./stories

drills: build ## the mornings that schools have lived, at full size; reports in drills/ (SCALE=0.1)
	@mkdir -p drills; failed=; for d in $(DRILLS); do ./bin/preau drill $$d --scale $(or $(SCALE),1) --json drills/$$d.json --report drills/$$d.html || failed="$$failed $$d"; done; \
	for d in $(FIRED); do ./bin/preau drill $$d --under-fire --scale $(or $(SCALE),1) --json drills/$$d-under-fire.json --report drills/$$d-under-fire.html || failed="$$failed $$d-under-fire"; done; \
	test -z "$$failed" || { echo "not passed:$$failed"; exit 1; }

bench: setup ## measurements, with disks waited for (ARGS="-bench Roll")
	PREAU_POSTGRES_FSYNC=on scripts/with-postgres $(GOTEST) -p 1 -run '^$$' -bench . -benchmem $(ARGS) ./...

fuzz: ## every fuzz test for 30 s each (FUZZTIME=5m)
	scripts/fuzz

dist: ## programs for Linux on amd64 and arm64, in dist/
	for arch in amd64 arm64; do GOOS=linux GOARCH=$$arch go build -trimpath -ldflags '-s -w' -o dist/preau-linux-$$arch ./cmd/preau && (cd live && GOOS=linux GOARCH=$$arch go build -trimpath -ldflags '-s -w' -o ../dist/preau-live-linux-$$arch .) || exit 1; done

setup: ## install what the tests need: PostgreSQL, Chromium, npm packages
	@scripts/setup

clean: ## remove what was built
	rm -rf bin dist
