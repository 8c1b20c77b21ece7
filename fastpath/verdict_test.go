package fastpath

import (
	"net/netip"
	"testing"
	"time"
)

// The world of the verdicts: ours are 192.0.2.1 and 2001:db8::1, port 5060 of
// UDP and TCP.
const (
	us4, us6           = "192.0.2.1", "2001:db8::1"
	stranger4          = "198.51.100.9"
	stranger6          = "2001:db8:9::9"
	trusted4, trusted6 = "203.0.113.7", "2001:db8:7:7::7"
	banned4            = "198.51.100.66" // port 7000 is spared
	banned6            = "2001:db8:66::1"
	trustedBanned4     = "203.0.113.66"
)

func world(t testing.TB) *Program {
	p := load(t)
	must(t, p.Trust(prefixes("203.0.113.0/24", "2001:db8:7::/48")))
	for _, b := range prefixes(banned4+"/32", trustedBanned4+"/32", "2001:db8:66::/64", "2001:db8:66:5500::/56", "2001:db8:77::/48") {
		must(t, p.Ban(b, time.Hour))
	}
	for _, f := range []Flow{
		{netip.MustParseAddrPort(banned4 + ":7000"), netip.MustParseAddrPort(us4 + ":5060"), protoUDP},
		{netip.MustParseAddrPort(banned4 + ":0"), netip.MustParseAddrPort(us4 + ":0"), 0},
		{netip.MustParseAddrPort("[" + banned6 + "]:7000"), netip.MustParseAddrPort("[" + us6 + "]:5060"), protoTCP},
	} {
		must(t, p.Spare(f))
	}
	must(t, p.Listen([]Listener{
		{netip.MustParseAddrPort(us4 + ":5060"), protoUDP}, {netip.MustParseAddrPort(us4 + ":5060"), protoTCP},
		{netip.MustParseAddrPort("[" + us6 + "]:5060"), protoUDP}, {netip.MustParseAddrPort("[" + us6 + "]:5060"), protoTCP},
		{netip.MustParseAddrPort(us4 + ":0"), 0}, {netip.MustParseAddrPort("[" + us6 + "]:0"), 0},
	}))
	one := fastpathBounds{Source: hourly(1)}
	bound(t, p, one, one)
	return p
}

// What happens to two frames that are alike, with a rate of one an hour.
const (
	up        = "both go up"
	banned    = "both are dropped for a ban"
	policed   = "one goes up, one is over the rate of its source"
	fragments = "one goes up, one is over the rate of fragments"
)

var verdicts = map[string]struct {
	frame []byte
	want  string
}{
	"UDP of a stranger":               {ether(ip4(stranger4, us4, udp(9, 5060))), policed},
	"UDP of a stranger, IPv6":         {ether(ip6(stranger6, us6, udp(9, 5060))), policed},
	"UDP for another port":            {ether(ip4(stranger4, us4, udp(9, 5061))), up},
	"UDP for another port, IPv6":      {ether(ip6(stranger6, us6, udp(9, 5061))), up},
	"UDP for another address":         {ether(ip4(stranger4, "192.0.2.2", udp(9, 5060))), up},
	"SYN of a stranger":               {ether(ip4(stranger4, us4, tcp(9, 5060, 0x02))), policed},
	"SYN of a stranger, IPv6":         {ether(ip6(stranger6, us6, tcp(9, 5060, 0x02))), policed},
	"SYN with ECN":                    {ether(ip4(stranger4, us4, tcp(9, 5060, 0xc2))), policed},
	"SYN with FIN":                    {ether(ip4(stranger4, us4, tcp(9, 5060, 0x03))), policed},
	"SYN for another port":            {ether(ip4(stranger4, us4, tcp(9, 22, 0x02))), up},
	"SYN ACK":                         {ether(ip4(stranger4, us4, tcp(9, 5060, 0x12))), up},
	"a segment of a connection":       {ether(ip4(stranger4, us4, tcp(9, 5060, 0x18))), up},
	"ICMP":                            {ether(ip4(stranger4, us4, other(protoICMP))), up},
	"ARP":                             {ether(other(typeARP)), up},
	"one tag":                         {ether(tagged(typeVLAN, ip4(stranger4, us4, udp(9, 5060)))), policed},
	"two tags":                        {ether(tagged(typeQinQ, tagged(typeVLAN, ip6(stranger6, us6, udp(9, 5060))))), policed},
	"three tags":                      {ether(tagged(typeQinQ, tagged(typeVLAN, tagged(typeVLAN, ip4(stranger4, us4, udp(9, 5060)))))), up},
	"options":                         {ether(header4{options: 4}.packet(stranger4, us4, udp(9, 5060))), policed},
	"all options":                     {ether(header4{options: 40}.packet(stranger4, us4, udp(9, 5060))), policed},
	"a header that is too short":      {ether(header4{tooShort: true}.packet(banned4, us4, udp(9, 5060))), up},
	"another version":                 {ether(header4{version: 5}.packet(banned4, us4, udp(9, 5060))), up},
	"IPv6 that says IPv4":             {ether(part{typeIPv4, ip6(stranger6, us6, udp(9, 5060)).octets}), up},
	"IPv4 that says IPv6":             {ether(part{typeIPv6, header4{options: 40}.packet(stranger4, us4, udp(9, 5060)).octets}), up},
	"a mapped source":                 {ether(ip6("::ffff:"+banned4, us6, udp(9, 5060))), up},
	"extension headers":               {ether(ip6(stranger6, us6, hopByHop(routing(destination(authentic(udp(9, 5060))))))), policed},
	"extension headers before a SYN":  {ether(ip6(stranger6, us6, destination(tcp(9, 5060, 0x02)))), policed},
	"six extension headers":           {ether(ip6(stranger6, us6, hopByHop(destination(destination(destination(destination(destination(udp(9, 5060)))))))))[:], policed},
	"seven extension headers":         {ether(ip6(stranger6, us6, hopByHop(destination(destination(destination(destination(destination(destination(udp(9, 5060)))))))))), up},
	"ESP":                             {ether(ip6(stranger6, us6, other(protoESP))), up},
	"a first fragment":                {ether(header4{more: true}.packet(stranger4, us4, udp(9, 5060))), fragments},
	"a first fragment for any port":   {ether(header4{more: true}.packet(stranger4, us4, udp(9, 1))), fragments},
	"a later fragment":                {ether(header4{offset: 185}.packet(stranger4, us4, udp(9, 9))), fragments},
	"a fragment of any protocol":      {ether(header4{offset: 185}.packet(stranger4, us4, other(protoICMP))), fragments},
	"a fragment, IPv6":                {ether(ip6(stranger6, us6, fragment6(0, true, udp(9, 5060)))), fragments},
	"a later fragment, IPv6":          {ether(ip6(stranger6, us6, destination(fragment6(185, false, udp(9, 9))))), fragments},
	"a fragment for another address":  {ether(header4{more: true}.packet(stranger4, "192.0.2.2", udp(9, 5060))), up},
	"a fragment of a trusted source":  {ether(header4{more: true}.packet(trusted4, us4, udp(9, 5060))), up},
	"UDP of a trusted source":         {ether(ip4(trusted4, us4, udp(9, 5060))), up},
	"UDP of a trusted source, IPv6":   {ether(ip6(trusted6, us6, udp(9, 5060))), up},
	"a trusted source that is banned": {ether(ip4(trustedBanned4, us4, udp(9, 5060))), up},
	"UDP of a banned source":          {ether(ip4(banned4, us4, udp(9, 5060))), banned},
	"any port of a banned source":     {ether(ip4(banned4, us4, udp(9, 40000))), banned},
	"any address, banned":             {ether(ip4(banned4, "192.0.2.2", tcp(9, 443, 0x18))), banned},
	"ICMP of a banned source":         {ether(ip4(banned4, us4, other(protoICMP))), banned},
	"a banned source, tagged":         {ether(tagged(typeVLAN, ip4(banned4, us4, udp(9, 5060)))), banned},
	"a neighbour of a banned source":  {ether(ip4("198.51.100.67", us4, udp(9, 9))), up},
	"a banned /64":                    {ether(ip6(banned6, us6, udp(9, 5060))), banned},
	"beside a banned /64":             {ether(ip6("2001:db8:66:1::1", us6, udp(9, 9))), up},
	"a banned /56":                    {ether(ip6("2001:db8:66:55ab::1", us6, udp(9, 9))), banned},
	"beside a banned /56":             {ether(ip6("2001:db8:66:5600::1", us6, udp(9, 9))), up},
	"a banned /48":                    {ether(ip6("2001:db8:77:ffff::1", us6, tcp(9, 9, 0x10))), banned},
	"beside a banned /48":             {ether(ip6("2001:db8:78::1", us6, udp(9, 9))), up},
	"seven extension headers, banned": {ether(ip6(banned6, us6, hopByHop(destination(destination(destination(destination(destination(destination(udp(7000, 5060)))))))))), banned},
	"a spared flow":                   {ether(ip4(banned4, us4, udp(7000, 5060))), up},
	"its address by TCP":              {ether(ip4(banned4, us4, tcp(7000, 5060, 0x02))), banned},
	"its port to another of ours":     {ether(ip4(banned4, us4, udp(7000, 5061))), banned},
	"its fragments":                   {ether(header4{more: true}.packet(banned4, us4, udp(7000, 5060))), fragments},
	"its fragments to another":        {ether(header4{more: true}.packet(banned4, "192.0.2.2", udp(7000, 5060))), banned},
	"a spared connection":             {ether(ip6(banned6, us6, tcp(7000, 5060, 0x02))), up},
	"a fragment beside it":            {ether(ip6(banned6, us6, fragment6(0, true, tcp(7000, 5060, 0x02)))), banned},
}

func TestVerdicts(t *testing.T) {
	p := world(t)
	for name, c := range verdicts {
		for _, s := range sections {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				forget(t, p)
				first, second := s.passes(t, p, c.frame), s.passes(t, p, c.frame)
				want := map[string]Counters{
					up: {}, banned: {Banned: 2}, policed: {Source: 1}, fragments: {Fragments: 1},
				}[c.want]
				if got := counted(t, p); got != want {
					t.Errorf("counted %+v, want: %s", got, c.want)
				}
				if first != (c.want != banned) || second != (c.want == up) {
					t.Errorf("passed: %v, %v; want: %s", first, second, c.want)
				}
			})
		}
	}
}

// A frame that is cut off goes up; but where it says whom it is from, a ban
// holds.
func TestTruncated(t *testing.T) {
	p := world(t)
	for name, c := range map[string]struct {
		frame   []byte
		address int // octets up to the end of the header that has the address
		ports   int // up to the end of what is read of the transport
	}{
		"IPv4":       {ether(header4{options: 8}.packet(stranger4, us4, udp(9, 5060))), 34, 46},
		"IPv4, TCP":  {ether(ip4(stranger4, us4, tcp(9, 5060, 2))), 34, 50},
		"a tag":      {ether(tagged(typeVLAN, ip4(stranger4, us4, udp(9, 5060)))), 38, 42},
		"IPv6":       {ether(ip6(stranger6, us6, destination(udp(9, 5060)))), 54, 74},
		"IPv4, ban":  {ether(header4{options: 8}.packet(banned4, us4, udp(9, 5060))), 34, 0},
		"IPv6, ban":  {ether(ip6(banned6, us6, destination(udp(9, 5060)))), 54, 0},
		"a tag, ban": {ether(tagged(typeVLAN, ip4(banned4, us4, udp(9, 5060)))), 38, 0},
	} {
		for _, s := range sections {
			for n := 14; n < len(c.frame); n++ {
				if s.name == "tc" && n < c.address {
					continue // newer kernels do not run a program on half a header of IP
				}
				forget(t, p)
				_ = s.passes(t, p, c.frame[:n])
				want := Counters{}
				switch dropped := !s.passes(t, p, c.frame[:n]); {
				case c.ports == 0 && n >= c.address:
					want.Banned = 2
				case c.ports != 0 && n >= c.ports:
					want.Source = 1
				case dropped:
					t.Errorf("%s, %s: %d octets are dropped", name, s.name, n)
				}
				if got := counted(t, p); got != want {
					t.Errorf("%s, %s: %d octets: counted %+v, want %+v", name, s.name, n, got, want)
				}
			}
		}
	}
}
