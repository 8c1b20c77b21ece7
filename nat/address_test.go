package nat_test

import (
	"net/netip"
	"testing"

	"sbc/nat"
)

func TestRefuse(t *testing.T) {
	for _, c := range []struct{ addr, why string }{
		{"203.0.113.7", ""}, {"198.51.100.9", ""}, {"192.0.2.1", ""}, {"8.8.8.8", ""}, {"1.0.0.0", ""},
		{"2001:db8::1", ""}, {"2606:4700::1", ""}, {"2a00::1", ""},
		{"0.0.0.0", "unspecified"}, {"0.1.2.3", "unspecified"},
		{"9.255.255.255", ""}, {"10.0.0.0", "private"}, {"10.255.255.255", "private"}, {"11.0.0.0", ""},
		{"100.63.255.255", ""}, {"100.64.0.0", "shared"}, {"100.127.255.255", "shared"}, {"100.128.0.0", ""},
		{"127.0.0.1", "loopback"}, {"127.255.255.255", "loopback"}, {"128.0.0.0", ""},
		{"169.253.255.255", ""}, {"169.254.169.254", "link-local"}, {"169.255.0.0", ""},
		{"172.15.255.255", ""}, {"172.16.0.1", "private"}, {"172.31.255.255", "private"}, {"172.32.0.0", ""},
		{"192.0.0.170", "reserved"}, {"192.0.1.0", ""},
		{"192.167.255.255", ""}, {"192.168.0.1", "private"}, {"192.169.0.0", ""},
		{"198.18.0.1", "reserved"}, {"198.20.0.0", ""},
		{"223.255.255.255", ""}, {"224.0.0.1", "multicast"}, {"239.255.255.255", "multicast"},
		{"240.0.0.1", "reserved"}, {"255.255.255.255", "reserved"},

		{"::", "unspecified"}, {"::1", "loopback"}, {"::2", "reserved"}, {"::10.0.0.1", "reserved"}, {"::8.8.8.8", "reserved"},
		{"fc00::1", "private"}, {"fdff::1", "private"}, {"fe00::1", ""},
		{"fe80::1", "link-local"}, {"fe80::1%eth0", "link-local"}, {"febf::1", "link-local"}, {"fec0::1", "private"},
		{"ff02::1", "multicast"}, {"ff0e::1", "multicast"}, {"100::1", "reserved"}, {"5f00::1", "private"},
		{"2001:db8::1%eth0", ""}, {"fd00::1%eth0", "private"},

		{"::ffff:203.0.113.7", ""}, {"::ffff:10.0.0.1", "private"}, {"::ffff:127.0.0.1", "loopback"},
		{"::ffff:0.0.0.0", "unspecified"}, {"::ffff:224.0.0.1", "multicast"},
		{"64:ff9b::203.0.113.7", ""}, {"64:ff9b::10.0.0.1", "private, inside of NAT64"},
		{"64:ff9b::127.0.0.1", "loopback, inside of NAT64"}, {"64:ff9b:1::a00:1", "private"},
		{"64:ff9b:0:0:1::", ""},   // the prefix is a /96
		{"2002:cb00:7107::1", ""}, // 203.0.113.7
		{"2002:a00:1::1", "private, inside of 6to4"},
		{"2002:7f00:1::", "loopback, inside of 6to4"},
		{"2002:e000:1::", "multicast, inside of 6to4"},
		{"2001:0:cb00:7107:0:63bf:34ff:8ef8", ""},                           // server 203.0.113.7, client 203.0.113.7
		{"2001:0:cb00:7107:0:63bf:f5ff:fffe", "private, inside of Teredo"},  // client 10.0.0.1
		{"2001:0:a00:1:0:63bf:34ff:8ef8", "private, inside of Teredo"},      // server 10.0.0.1
		{"2001:0:cb00:7107:0:63bf:80ff:fffe", "loopback, inside of Teredo"}, // client 127.0.0.1
		{"2001:1::1", ""}, {"2003::1", ""},
	} {
		why, bad := nat.Refuse(netip.MustParseAddr(c.addr))
		if why != c.why || bad != (c.why != "") {
			t.Errorf("%s: %q %v, want %q", c.addr, why, bad, c.why)
		}
	}
	if why, bad := nat.Refuse(netip.Addr{}); !bad || why != "not an address" {
		t.Errorf("no address: %q", why)
	}
	for _, addr := range []string{"10.0.0.1", "2001:0:cb00:7107:0:63bf:80ff:fffe", "2606:4700::1"} {
		addr := netip.MustParseAddr(addr)
		if n := testing.AllocsPerRun(100, func() { nat.Refuse(addr) }); n != 0 {
			t.Errorf("%v: %v allocations", addr, n)
		}
	}
}

func TestPlaceString(t *testing.T) {
	for p := nat.Public; p <= nat.None; p++ {
		if s := p.String(); s == "" || s == "unknown" {
			t.Errorf("place %d: %q", p, s)
		}
	}
	if nat.Place(200).String() != "unknown" {
		t.Error("a place that is none")
	}
}
