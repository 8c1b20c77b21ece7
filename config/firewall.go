package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"sbc/firewall"
	"sbc/firewall/kernel"
)

// A Firewall says whom we listen to.
type Firewall struct {
	Engine  string // as kernel.Options.Want
	Allow   []netip.Prefix
	Options firewall.Options // what of them a file may say; the rest as Defaults has it
}

// engines are what may refuse in the kernel.
var engines = []string{kernel.Auto, "xdp", "tcx", "clsact", "nftables", kernel.None}

func (r *reader) firewall(b *firewallBlock, c *Config) {
	f := &c.Firewall
	f.Engine, f.Options = kernel.Auto, firewall.Defaults()
	if b == nil {
		return
	}
	o := &f.Options
	r.word(b.Engine, engines, &f.Engine)
	mode := "act"
	r.word(b.Mode, []string{"act", "count"}, &mode)
	o.Count = mode == "count"
	f.Allow = r.prefixes(b.Allow)
	for _, t := range r.texts(b.Honeypots, `"4711"`) {
		o.Honeypots = append(o.Honeypots, t.s)
	}
	if b.Users != nil {
		o.Dictionary = nil
		for _, t := range r.texts(b.Users, `"admin"`) {
			o.Dictionary = append(o.Dictionary, t.s)
		}
	}
	for _, t := range r.texts(b.Tools, `"friendly-scanner"`) {
		if len(t.s) < 3 || len(t.s) > 64 {
			r.fail(t.at, "Not a name of a tool", "%q has fewer than 3 or more than 64 octets: write a part of a User-Agent by which a scanner is known.", t.s)
			continue
		}
		o.Signatures = append(o.Signatures, firewall.Signature{Text: t.s, In: firewall.InUserAgent | firewall.InFrom | firewall.InTo, Is: firewall.Scanner})
	}
	r.weights(b, o)
	r.packets(b.Source, &o.Source)
	r.packets(b.Unknown, &o.Intake[0])
	r.packets(b.Proven, &o.Intake[1])
	r.packets(b.PeerNew, &o.New)
	police, ban := int(o.Police), int(o.Ban)
	r.integer(b.Police, 1, 1_000_000, "20", &police)
	r.integer(b.Ban, 1, 1_000_000, "40", &ban)
	o.Police, o.Ban = float64(police), float64(ban)
	if ban < police {
		r.fail(b.Range, "Banned before it is policed", "A source is banned from a score of %d and policed from %d. Write a ban_score of at least the police_score.", ban, police)
	}
	r.duration(b.HalfLife, 10*time.Second, 24*time.Hour, false, &o.HalfLife)
	r.duration(b.BanFirst, 10*time.Second, 24*time.Hour, false, &o.BanFirst)
	r.duration(b.BanLongest, time.Minute, 90*24*time.Hour, false, &o.BanMax)
	if o.BanMax < o.BanFirst {
		r.fail(b.Range, "Longest ban is the shortest", "The first ban takes %v, and none is longer than %v. Write a ban_longest of at least ban_first.", o.BanFirst, o.BanMax)
	}
	r.integer(b.Bans, 1, 65_536, "10000", &o.Bans)
}

// packets reads a rate of datagrams; a second's worth may come at once.
func (r *reader) packets(a *hcl.Attribute, to *firewall.Rate) {
	var rate float64
	if r.perSecond(a, &rate); rate > 0 {
		*to = firewall.Rate{PerSecond: int(rate), Burst: max(int(rate), 1)}
	}
}

// weights reads what offences count.
func (r *reader) weights(b *firewallBlock, o *firewall.Options) {
	var names []string
	for _, n := range firewall.OffenceNames() {
		names = append(names, strings.ReplaceAll(strings.ToLower(n), " ", "_"))
	}
	for _, p := range r.pairs(b.Weights, `digest_failure = "3"`) {
		i := slices.Index(names, p.key.s)
		if i < 0 {
			r.fail(p.key.at, "Unknown offence", "%q is none.%s They are: %s.", p.key.s, didYouMean(p.key.s, names, quoted), listed(names, quoted))
			continue
		}
		w, err := strconv.ParseFloat(p.value.s, 64)
		if err != nil || w < 0 || w > 1_000_000 {
			r.fail(p.value.at, "Not a weight", "%q is no number from 0 to 1000000.", p.value.s)
			continue
		}
		o.Weights[1<<i] = w
	}
}
