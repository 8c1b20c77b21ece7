# make demo    run the border between a PBX and an ITSP of its own, and show a call
# make test    everything; installs the Debian packages that the tests need
# make help    the other targets

GO          ?= go
ARGS        ?=
FUZZTIME    ?= 30s
PREFIX      ?= /usr/local
SYSCONFDIR  ?= /etc
VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS     := -s -w -X main.version=$(VERSION)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

export CGO_ENABLED ?= 0

.PHONY: help build generate demo deps bench-deps fmt lint test test-long fuzz bench bench-parse bench-calls bench-media bench-registrations bench-flood install clean

help:
	@echo 'demo         run the border between a PBX and an ITSP of its own (ARGS=--once: end by itself)'
	@echo 'test         all tests, with the Debian packages that they need'
	@echo 'test-long    a phone silent for three minutes, 1,000 reloads, 5,000 worlds, ten minutes of fuzzing TURN'
	@echo 'lint         gofmt, go vet, staticcheck'
	@echo 'fmt          format the source'
	@echo 'fuzz         all fuzz targets, FUZZTIME=$(FUZZTIME) each'
	@echo 'bench        bench-parse, bench-calls, bench-media, bench-registrations and bench-flood: ratios to others, side by side'
	@echo 'build        bin/sbc, one static binary'
	@echo 'generate     the BPF object of fastpath/, anew from its source'
	@echo 'install      bin/sbc, the systemd unit, its user and the example to PREFIX=$(PREFIX)'
	@echo 'deps         Debian packages for the tests, and JsSIP; bench-deps: those for the benches'

build:
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/sbc ./cmd/sbc

generate:
	.ci/deps clang-14 llvm-14 libbpf-dev linux-libc-dev
	$(GO) generate ./fastpath

demo: build
	bin/sbc demo $(ARGS)

deps:
	.ci/deps sip-tester sipsak sipvicious baresip-core kamailio coturn miniupnpd-nftables tshark iproute2 tcpdump openssl util-linux gcc libc6-dev clang-14 llvm-14 libbpf-dev linux-libc-dev
	.ci/browser

bench-deps: deps
	.ci/deps rtpengine-daemon

fmt:
	gofmt -w .

lint:
	.ci/lint $(STATICCHECK)

test: deps
	SBC_REQUIRE=all .ci/test

test-long: deps
	SBC_REQUIRE=all SBC_LONG=1 $(GO) test -count 1 -v -run '^TestPhoneBehindImpatientNAT$$|^TestThousandReloads$$' ./lab/e2e
	$(GO) test -count 1 -timeout 2h -run '^TestSim$$' ./lab/sim -worlds 5000 -first 0x100000
	$(GO) test -run '^$$' -fuzz '^FuzzGuard$$' -fuzztime 10m -parallel 2 ./nat/turn

fuzz:
	.ci/fuzz $(FUZZTIME)

bench: bench-parse bench-calls bench-media bench-registrations bench-flood

bench-parse:
	$(GO) run ./bench/parse $(ARGS)

bench-calls: bench-deps build
	$(GO) run ./bench/calls $(ARGS)

bench-media: bench-deps
	$(GO) run ./bench/media $(ARGS)

bench-registrations: bench-deps build
	$(GO) run ./bench/registrations $(ARGS)

bench-flood: bench-deps build
	$(GO) run ./bench/flood $(ARGS)

install: build
	install -D -m 0755 bin/sbc $(DESTDIR)$(PREFIX)/bin/sbc
	install -D -m 0644 sbc.hcl.example $(DESTDIR)$(SYSCONFDIR)/sbc/sbc.hcl.example
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@PREFIX@|$(PREFIX)|' deploy/sbc.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/sbc.service
	chmod 0644 $(DESTDIR)$(PREFIX)/lib/systemd/system/sbc.service
	install -D -m 0644 deploy/sbc.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/sbc.conf

clean:
	rm -rf bin
