package fastpath

import (
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"go.uber.org/goleak"

	"sbc/lab/netns"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// load loads a program for a test, or skips the test where nobody may.
func load(t testing.TB) *Program {
	t.Helper()
	p, err := Load()
	if errors.Is(err, os.ErrPermission) {
		netns.Require(t, "root") // skips, or fails where nothing may be missing
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, p.Close()) })
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A section is one of the two programs made of the source.
type section struct {
	name       string
	of         func(*Program) *ebpf.Program
	pass, drop uint32
}

var sections = []section{
	{"tc", func(p *Program) *ebpf.Program { return p.objects.FastpathTc }, tcPass, tcDrop},
	{"xdp", func(p *Program) *ebpf.Program { return p.objects.FastpathXdp }, xdpPass, xdpDrop},
}

// passes runs a frame through a section.
func (s section) passes(t testing.TB, p *Program, frame []byte) bool {
	t.Helper()
	got, err := s.of(p).Run(&ebpf.RunOptions{Data: frame})
	must(t, err)
	if got != s.pass && got != s.drop {
		t.Fatalf("%s answered %d", s.name, int32(got))
	}
	return got == s.pass
}

func counted(t testing.TB, p *Program) Counters {
	t.Helper()
	c, err := p.Counters()
	must(t, err)
	return c
}

// hourly lets one packet an hour pass, and so many at once.
func hourly(burst int) fastpathRate {
	return fastpathRate{Interval: uint64(time.Hour), Ahead: uint64(burst-1) * uint64(time.Hour)}
}

// bound writes rates that no test can outlast.
func bound(t testing.TB, p *Program, packets, fragments fastpathBounds) {
	t.Helper()
	must(t, p.objects.Limits.Update(kindPacket, packets, ebpf.UpdateAny))
	must(t, p.objects.Limits.Update(kindFragment, fragments, ebpf.UpdateAny))
}

// forget empties the buckets.
func forget(t testing.TB, p *Program) {
	t.Helper()
	for _, key := range remembered(t, p) {
		must(t, gone(p.objects.Sources.Delete(key)))
	}
	for _, kind := range []uint32{kindPacket, kindFragment} {
		must(t, p.objects.All.Update(kind, fastpathBucket{}, ebpf.UpdateAny))
	}
	must(t, p.resetCounters())
}

func remembered(t testing.TB, p *Program) (keys []fastpathSource) {
	t.Helper()
	var key fastpathSource
	var value fastpathBucket
	all := p.objects.Sources.Iterate()
	for all.Next(&key, &value) {
		keys = append(keys, key)
	}
	must(t, all.Err())
	return keys
}

func prefixes(list ...string) (all []netip.Prefix) {
	for _, p := range list {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}
