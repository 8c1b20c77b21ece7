package turn

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// Everything that is wrong is said at once.
func TestCheck(t *testing.T) {
	if err := options(41000).Check(); err != nil {
		t.Errorf("options that are right: %v", err)
	}
	for _, c := range []struct {
		want   string
		change func(*Options)
	}{
		{"0 addresses to listen at", func(o *Options) { o.UDP, o.TCP = nil, nil }},
		{"listen at 0.0.0.0:3478", func(o *Options) { o.UDP[0] = netip.MustParseAddrPort("0.0.0.0:3478") }},
		{"realm of 0 octets", func(o *Options) { o.Realm = "" }},
		{"realm of 65 octets", func(o *Options) { o.Realm = strings.Repeat("x", 65) }},
		{"nobody could use", func(o *Options) { o.Users, o.Secrets = nil, nil }},
		{`user "x"`, func(o *Options) { o.Users["x"] = "" }},
		{"a secret of 5 octets", func(o *Options) { o.Secrets[0] = "short" }},
		{"9 secrets", func(o *Options) { o.Secrets = make([]string, 9) }},
		{"skew of 2h", func(o *Options) { o.Skew = 2 * time.Hour }},
		{"0 relay addresses", func(o *Options) { o.Relays = nil }},
		{"relay at ::", func(o *Options) { o.Relays[1].Listen = netip.IPv6Unspecified() }},
		{"cannot be advertised", func(o *Options) { o.Relays[0].Advertise = netip.MustParseAddr("2001:db8::1") }},
		{"more than one relay", func(o *Options) { o.Relays[1] = o.Relays[0] }},
		{"relay ports 80-", func(o *Options) { o.FirstPort = 80 }},
		{"relay ports 41000-40999", func(o *Options) { o.LastPort = 40999 }},
		{"media ports", func(o *Options) { o.Media = []Ports{{First: 1, Last: 2}} }},
		{"rate of -1", func(o *Options) { o.Rate.All = -1 }},
		{"is not a prefix", func(o *Options) { o.Deny = []netip.Prefix{{}} }},
	} {
		o := options(41000)
		c.change(&o)
		o.Quota.PerUser = -5
		err := o.Check()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "quota or rate of -5") {
			t.Errorf("Check() = %v, want %q, and the quota", err, c.want)
		}
	}
}
