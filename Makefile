# Everything needs Go; the rest is installed when it is missing (see tools/packages.sh).

GO     ?= go
TOOL   := $(GO) tool -modfile=tools/go.mod
# What the tests of one package may take. The whole of "make test" stays under 20 minutes on two cores.
WITHIN ?= 15m
# How long "make fuzz" stays at each target.
FUZZ   ?= 30s

.PHONY: test packages lint build unit audit soak peers bench fuzz mutants

# Every test there is, against real databases and a real browser, under the race detector.
test: packages lint build unit
	@echo "Not run by make test: make audit (known vulnerabilities), make soak (kill -9 under load), make peers (npm), make bench, make fuzz, make mutants."

# Debian packages that some test uses and this machine lacks.
packages:
	@sh tools/packages.sh

lint:
	@sh tools/gofmt.sh
	$(GO) vet -tags soak,peers ./...
	$(GO) vet -C tools ./mutants
	$(TOOL) staticcheck -tags soak,peers ./...

build:
	CGO_ENABLED=0 $(GO) build ./...
	CGO_ENABLED=0 $(GO) build -o bin/ ./cmd/gatehouse

unit:
	CGO_ENABLED=1 $(GO) test -race -timeout $(WITHIN) ./...
	$(GO) test -C tools ./mutants

# Known vulnerabilities that our code reaches. GATEHOUSE_VULNDB=file:///path uses a copy of the database.
audit:
	@sh tools/audit.sh $(TOOL)

# Rounds of kill -9 under write load, on both engines, nothing acknowledged may be lost; 1500 slow clients; testssl.sh, which
# takes two minutes, and h2spec, which is fetched with go install.
soak: packages
	CGO_ENABLED=0 $(GO) test -tags soak -count 1 -timeout 60m -run '^TestSoak' -v ./test/...

# Beside the npm packages helmet and cors, and judged by MDN's HTTP Observatory. Needs node 20, and npm's registry or its cache.
peers:
	@sh tools/packages.sh peers
	$(GO) test -tags peers -count 1 -timeout 15m -v ./test/peers

bench:
	CGO_ENABLED=0 $(GO) test -run '^$$' -bench . -benchmem -timeout 60m ./...

# Each fuzz target for FUZZ; what is found is written below testdata/fuzz and fails make test from then on.
fuzz:
	@sh tools/fuzz.sh $(FUZZ)

# Would the tests notice if a safeguard were gone? Half an hour; docs/explanation/mutants.md.
mutants:
	$(GO) run -C tools ./mutants
