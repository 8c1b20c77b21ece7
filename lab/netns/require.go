package netns

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"

	"sbc/lab/nat"
)

// TB is what Require asks of a testing.TB, so that programs that build
// namespaces outside of tests do not link package testing.
type TB interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Require skips the test unless everything named is there: "root" stands for
// the right to make network namespaces, "nft" for that and a kernel with what
// a [Router] needs (nf_tables with maps, nf_conntrack, nf_nat, bridges), any
// other word for a program in $PATH. With SBC_REQUIRE=all in the environment it fails the test instead,
// so that nobody can take a machine without peers for a passed test.
func Require(t TB, needs ...string) {
	t.Helper()
	var missing []string
	for _, need := range needs {
		if err := have(need); err != nil {
			missing = append(missing, fmt.Sprintf("%s (%v)", need, err))
		}
	}
	if len(missing) == 0 {
		return
	}
	what := strings.Join(missing, ", ")
	if os.Getenv("SBC_REQUIRE") == "all" {
		t.Fatalf("missing: %s; `make deps` installs what the tests need", what)
	} else {
		t.Skipf("missing: %s", what)
	}
}

func have(need string) error {
	switch need {
	case "root":
		return mayUnshare()
	case "nft":
		return mayTranslate()
	}
	_, err := exec.LookPath(need)
	if err != nil {
		return exec.ErrNotFound
	}
	return nil
}

// mayUnshare tries to make a namespace, once: being user 0 in a container
// says little.
var mayUnshare = sync.OnceValue(func() error {
	s, err := New("try")
	if err != nil {
		return err
	}
	s.Close()
	return nil
})

// mayTranslate tries to make one router of each sort.
var mayTranslate = sync.OnceValue(func() error {
	if err := mayUnshare(); err != nil {
		return err
	}
	net, err := NewSwitch("try")
	if err != nil {
		return err
	}
	defer net.Close()
	for _, kind := range []nat.Kind{nat.Masquerade, nat.FullCone} {
		r, err := NewRouter("try", RouterOptions{Kind: kind, Uplink: net,
			Inside: netip.MustParsePrefix("10.0.0.1/24"), Outside: netip.MustParsePrefix("192.0.2.1/24")})
		if err != nil {
			return err
		}
		r.Close()
	}
	return nil
})
