package console

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sbc/firewall"
	"sbc/signaling"
	"sbc/signaling/sip"
)

// Ours: longer is no number, address or id.
const askedMax = 64

// why answers what `sbc why` asks: "of" is a call, a number or an address, and
// "last" how many there may be. Of an address that the guard treats worse than
// others that comes first, since what is dropped unread is in no list.
func why(s *Source) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		of, last := q.Get("of"), 0
		if n := q.Get("last"); n != "" {
			var err error
			if last, err = strconv.Atoi(n); err != nil || last < 1 {
				fail(w, http.StatusBadRequest, "last wants a number from 1")
				return
			}
		}
		if len(of) > askedMax {
			fail(w, http.StatusBadRequest, "that is no call, number or address: it is too long")
			return
		}
		list := s.Refusals(of, last)
		if a, err := netip.ParseAddr(of); err == nil && s.Gate != nil {
			list = append(unread(s.Gate, s.Now(), a.Unmap()), list...)
		}
		reply(w, http.StatusOK, list)
	}
}

// unread says why nothing, or hardly anything, of an address is read.
func unread(g *firewall.Guard, now time.Duration, a netip.Addr) []signaling.RefusalInfo {
	for _, b := range g.Bans(now) {
		if !b.Prefix.Contains(a) {
			continue
		}
		why := b.Why()
		if why != "" {
			why = " for " + why
		}
		return []signaling.RefusalInfo{{
			At: b.Since, Times: 1, Source: a.String(), Cause: "banned",
			Why:    fmt.Sprintf("%s is banned by %v until %s%s: nothing of it is read", short(b.Prefix), b.By, b.Until.Format(time.DateTime), why),
			Remedy: "sbc unban " + short(b.Prefix),
		}}
	}
	for _, s := range g.Sources(now) {
		if !s.Prefix.Contains(a) || s.State != firewall.IsPoliced {
			continue
		}
		return []signaling.RefusalInfo{{
			At: s.Last, Times: 1, Source: a.String(), Cause: "policed",
			Why:    fmt.Sprintf("%s is policed for %v (score %.1f): hardly anything of it is read", short(s.Prefix), s.Offences, s.Score),
			Remedy: "time, which halves the score; sbc unban " + short(s.Prefix) + "; firewall { allow = [...] } for somebody who shall never be policed",
		}}
	}
	return nil
}

// Refusals asks why requests were refused: those about a call, a number or an
// address, or all if of is empty; the last ones, or all if last is 0.
func (c *Client) Refusals(ctx context.Context, of string, last int) (list []signaling.RefusalInfo, err error) {
	q := url.Values{}
	if of != "" {
		q.Set("of", of)
	}
	if last > 0 {
		q.Set("last", strconv.Itoa(last))
	}
	return list, c.do(ctx, http.MethodGet, "/refusals?"+q.Encode(), &list)
}

// WriteRefusals writes why requests were refused.
func WriteRefusals(w io.Writer, list []signaling.RefusalInfo) error {
	p := &page{}
	if len(list) == 0 {
		p.line("nothing of this was refused lately")
	}
	for i := range list {
		r := &list[i]
		p.line("%s  %s", r.At.Format("2006-01-02 15:04:05"), asked(r))
		p.line("    %s", answered(r))
		p.line("    %s", r.Why)
		if r.Remedy != "" {
			p.line("    what helps: %s", r.Remedy)
		}
	}
	return p.to(w)
}

// asked says who asked for what.
func asked(r *signaling.RefusalInfo) string {
	var b strings.Builder
	if r.Times > 1 {
		fmt.Fprintf(&b, "%d times, now ", r.Times)
	}
	who := "a stranger"
	if r.Peer != "" {
		who = r.Peer
	}
	what := r.Method
	if what == "" {
		what = "something"
	}
	fmt.Fprintf(&b, "%s from %s (%s", what, who, r.Source)
	if r.Realm != "" {
		fmt.Fprintf(&b, ", realm %s", r.Realm)
	}
	b.WriteString(")")
	if r.From != "" || r.To != "" {
		fmt.Fprintf(&b, ", %s to %s", orNobody(r.From), orNobody(r.To))
	}
	if r.Call != "" {
		fmt.Fprintf(&b, ", call %s", r.Call)
	}
	return b.String()
}

func orNobody(user string) string {
	if user == "" {
		return "nobody"
	}
	return user
}

// answered says what became of it, and who decided that.
func answered(r *signaling.RefusalInfo) string {
	var b strings.Builder
	if r.Status == 0 {
		b.WriteString("no answer")
	} else {
		fmt.Fprintf(&b, "%d %s", r.Status, sip.StatusText(r.Status))
	}
	if r.By != "" {
		fmt.Fprintf(&b, " from %s", r.By)
	} else {
		fmt.Fprintf(&b, " from the border: %s", r.Cause)
	}
	if r.Rule != "" {
		fmt.Fprintf(&b, ", by %s", r.Rule)
	}
	return b.String()
}
