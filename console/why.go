package console

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sbc/signaling"
	"sbc/signaling/sip"
)

// Ours: longer is no number, address or id.
const askedMax = 64

// why answers what `sbc why` asks: "of" is a call, a number or an address, and
// "last" how many there may be.
func why(refusals func(of string, last int) []signaling.RefusalInfo) http.HandlerFunc {
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
		reply(w, http.StatusOK, refusals(of, last))
	}
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
	fmt.Fprintf(&b, "%s from %s (%s, realm %s)", what, who, r.Source, r.Realm)
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
