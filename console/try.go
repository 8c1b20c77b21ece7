package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"

	"sbc/signaling"
)

// try answers `sbc try`. What is asked has its bounds in signaling.Try, and its
// octets in those that a server takes of a request's head.
func try(run func(signaling.Try) (signaling.TryReport, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t, err := tryOf(r.URL.Query())
		if err != nil {
			fail(w, http.StatusBadRequest, err.Error())
			return
		}
		report, err := run(t)
		switch wrong := (*signaling.TryError)(nil); {
		case errors.As(err, &wrong):
			fail(w, http.StatusBadRequest, err.Error())
		case err != nil:
			fail(w, http.StatusServiceUnavailable, err.Error())
		default:
			reply(w, http.StatusOK, report)
		}
	}
}

// tryQuery is a Try as the API takes it.
func tryQuery(t *signaling.Try) url.Values {
	q := url.Values{"realm": {t.Realm}, "source": {t.Source.String()}, "from": {t.From}, "to": {t.To}, "header": t.Fields}
	for name, value := range map[string]string{"method": t.Method, "user_agent": t.UserAgent, "proven": t.Proven, "name": t.Name, "transport": t.Transport} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func tryOf(q url.Values) (t signaling.Try, err error) {
	t = signaling.Try{Realm: q.Get("realm"), Method: q.Get("method"), From: q.Get("from"), To: q.Get("to"), UserAgent: q.Get("user_agent"), Fields: q["header"],
		Proven: q.Get("proven"), Name: q.Get("name"), Transport: q.Get("transport")}
	t.Source, err = ParseSource(q.Get("source"))
	return t, err
}

// ParseSource reads an address with or without a port; without one it is 0.
func ParseSource(s string) (netip.AddrPort, error) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%.64q is no address, with or without a port", s)
	}
	return netip.AddrPortFrom(a, 0), nil
}

// Try asks what would become of a request.
func (c *Client) Try(ctx context.Context, t signaling.Try) (r signaling.TryReport, err error) {
	return r, c.do(ctx, http.MethodGet, "/try?"+tryQuery(&t).Encode(), &r)
}
