package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sbc/firewall"
	"sbc/signaling"
)

// A SourceInfo is a source that sent something of late, as `sbc sources` shows it.
type SourceInfo struct {
	Source      string            `json:"source"`
	State       string            `json:"state"` // unknown, policed, banned, proven, known
	Score       float64           `json:"score"`
	Proven      float64           `json:"proven_score"` // of what is certainly its own doing
	First       time.Time         `json:"first"`
	Last        time.Time         `json:"last"`
	Methods     map[string]uint32 `json:"methods"`
	Offences    string            `json:"offences,omitempty"`
	Fingerprint string            `json:"fingerprint,omitempty"`
	User        string            `json:"user,omitempty"` // the last one that was asked for
	Users       int               `json:"users"`
}

// A BanInfo is a ban as `sbc bans` shows it.
type BanInfo struct {
	Prefix   string    `json:"prefix"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	Times    int       `json:"times"`
	By       string    `json:"by"`
	Reason   string    `json:"reason,omitempty"`
	Offences string    `json:"offences,omitempty"`
}

var errNoGate = errors.New("everybody is listened to: every realm is trusted or on loopback")

// Ours:
const (
	banDefault = time.Hour
	banMax     = 90 * 24 * time.Hour
	reasonMax  = 120
)

// gate adds what is about the guard.
func gate(mux *http.ServeMux, s *Source) {
	with := func(f func(w http.ResponseWriter, r *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if s.Gate == nil {
				fail(w, http.StatusBadRequest, errNoGate.Error())
				return
			}
			f(w, r)
		}
	}
	mux.HandleFunc("GET /sources", with(func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, sources(s.Gate.Sources(s.Now())))
	}))
	mux.HandleFunc("GET /bans", with(func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, bans(s.Gate.Bans(s.Now()))) }))
	mux.HandleFunc("POST /bans", with(func(w http.ResponseWriter, r *http.Request) {
		prefix, d, reason, err := asksBan(r.URL.Query())
		if err == nil {
			err = s.Gate.Ban(s.Now(), prefix, d, reason)
		}
		done(w, err)
	}))
	mux.HandleFunc("DELETE /bans", with(func(w http.ResponseWriter, r *http.Request) {
		prefix, err := prefixOf(r.URL.Query().Get("prefix"))
		if err == nil {
			err = s.Gate.Unban(s.Now(), prefix)
		}
		done(w, err)
	}))
}

func done(w http.ResponseWriter, err error) {
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	reply(w, http.StatusOK, struct{}{})
}

func asksBan(q url.Values) (prefix netip.Prefix, d time.Duration, reason string, err error) {
	if prefix, err = prefixOf(q.Get("prefix")); err != nil {
		return prefix, 0, "", err
	}
	if d = banDefault; q.Get("for") != "" {
		if d, err = time.ParseDuration(q.Get("for")); err != nil || d < time.Second || d > banMax {
			return prefix, 0, "", errors.New("--for wants a time from 1s to 2160h, like 1h")
		}
	}
	if reason = q.Get("reason"); len(reason) > reasonMax {
		return prefix, 0, "", fmt.Errorf("a reason has at most %d octets", reasonMax)
	}
	return prefix, d, reason, nil
}

// prefixOf reads an address or a network.
func prefixOf(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, errors.New("that is no address and no network, like 192.0.2.7 or 2001:db8:1::/48")
	}
	return p.Masked(), nil
}

func sources(list []firewall.SourceInfo) []SourceInfo {
	out := []SourceInfo{}
	for _, s := range list {
		i := SourceInfo{Source: short(s.Prefix), State: s.State.String(), Score: s.Score, Proven: s.Sure, First: s.First, Last: s.Last,
			Methods: map[string]uint32{}, Offences: s.Offences.String(), Fingerprint: s.Fingerprint, User: s.User, Users: s.Users}
		for m, n := range s.Methods {
			i.Methods[m.String()] = n
		}
		out = append(out, i)
	}
	return out
}

func bans(list []firewall.Ban) []BanInfo {
	out := []BanInfo{}
	for _, b := range list {
		out = append(out, BanInfo{Prefix: short(b.Prefix), Since: b.Since, Until: b.Until, Times: int(b.Times), By: b.By.String(), Reason: b.Reason, Offences: b.Offences.String()})
	}
	return out
}

// short writes a network of one address as the address.
func short(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// drain answers `sbc drain`.
func drain(f func(within time.Duration) int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		within, err := time.ParseDuration(r.URL.Query().Get("within"))
		if err != nil || within < 0 || within > 24*time.Hour {
			fail(w, http.StatusBadRequest, "within wants a time up to 24h, like 30m; 0s takes the drain back")
			return
		}
		reply(w, http.StatusOK, Drained{Calls: f(within)})
	}
}

// Drained is the answer to a drain.
type Drained struct {
	Calls int `json:"calls"` // that go on
}

// Drain lets no call begin, and the SBC end with its last call, or after a time; 0:
// that is taken back.
func (c *Client) Drain(ctx context.Context, within time.Duration) (d Drained, err error) {
	return d, c.do(ctx, http.MethodPost, "/drain?within="+within.String(), &d)
}

// Sources asks who sent something of late.
func (c *Client) Sources(ctx context.Context) (list []SourceInfo, err error) {
	return list, c.do(ctx, http.MethodGet, "/sources", &list)
}

// Bans asks who is banned.
func (c *Client) Bans(ctx context.Context) (list []BanInfo, err error) {
	return list, c.do(ctx, http.MethodGet, "/bans", &list)
}

// Ban bans an address or a network; 0: for an hour.
func (c *Client) Ban(ctx context.Context, prefix string, d time.Duration, reason string) error {
	q := url.Values{"prefix": {prefix}, "reason": {reason}}
	if d > 0 {
		q.Set("for", d.String())
	}
	return c.do(ctx, http.MethodPost, "/bans?"+q.Encode(), &struct{}{})
}

// Unban lifts a ban.
func (c *Client) Unban(ctx context.Context, prefix string) error {
	return c.do(ctx, http.MethodDelete, "/bans?prefix="+url.QueryEscape(prefix), &struct{}{})
}

// WriteSources writes who sent something of late, the last one first.
func WriteSources(w io.Writer, list []SourceInfo) error {
	var p page
	if len(list) == 0 {
		p.line("no stranger has sent anything of late")
		return p.to(w)
	}
	var rows [][]string
	for _, s := range list {
		rows = append(rows, []string{s.Source, s.State, strconv.FormatFloat(s.Score, 'f', 1, 64), ago(s.Last), methods(s.Methods), s.User, strconv.Itoa(s.Users), s.Fingerprint, s.Offences})
	}
	p.table([]string{"SOURCE", "STATE", "SCORE", "LAST", "REQUESTS", "LAST USER", "USERS", "FINGERPRINT", "OFFENCES"}, rows)
	return p.to(w)
}

// WriteBans writes who is banned.
func WriteBans(w io.Writer, list []BanInfo) error {
	var p page
	if len(list) == 0 {
		p.line("nobody is banned")
		return p.to(w)
	}
	var rows [][]string
	for _, b := range list {
		rows = append(rows, []string{b.Prefix, ago(b.Since), time.Until(b.Until).Round(time.Second).String(), strconv.Itoa(b.Times), b.By, joined(b.Reason, b.Offences)})
	}
	p.table([]string{"BANNED", "SINCE", "LEFT", "TIMES", "BY", "WHY"}, rows)
	return p.to(w)
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ": " + b
}

func ago(t time.Time) string { return time.Since(t).Round(time.Second).String() + " ago" }

// methods writes how often each was asked for.
func methods(counts map[string]uint32) string {
	var words []string
	for _, m := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[m], m))
	}
	return strings.Join(words, ", ")
}

// gateLines writes what is refused before it is read.
func gateLines(p *page, g *signaling.GateStatus) {
	if g == nil {
		return
	}
	p.line("")
	p.line("strangers: %s now; refused in the kernel by %s", count(g.Bans, "ban"), g.Engine)
	if g.Behind {
		p.line("the kernel has not taken all bans yet: the log says why")
	}
	var rows [][]string
	for _, of := range []struct {
		where string
		n     map[string]uint64
	}{{"kernel", g.Kernel}, {"border", g.Dropped}} {
		for _, cause := range slices.Sorted(maps.Keys(of.n)) {
			if of.n[cause] > 0 {
				rows = append(rows, []string{of.where, cause, strconv.FormatUint(of.n[cause], 10)})
			}
		}
	}
	p.table([]string{"DROPPED IN", "FOR", "PACKETS"}, rows)
}
