package live

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sbc/lab/ua"
)

// A phone registers at a PBX, is called there, and again after its connection
// broke.
func TestRegistered(t *testing.T) {
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprint("stream ", stream), func(t *testing.T) {
			pbx := phone(t, 2, 1, func(o *Options) {
				o.Agent.Registrar = &ua.Registrar{Domain: "pbx.example", Realm: "pbx", Users: map[string]string{"b": "secret"}}
				o.Agent.Stream, o.Agent.Quiet = stream, true
			})
			a := phone(t, 1, 2, func(o *Options) {
				o.Agent.Domain, o.Agent.Password, o.Agent.Stream, o.Agent.Quiet = "pbx.example", "secret", stream, true
				o.Agent.Keepalive = ua.Keepalive{With: ua.KeepSTUN, Every: 50 * time.Millisecond}
				o.React = answer
			})
			a.Register(ua.Register{Seconds: 60})
			await(t, a, ua.Registered)
			await(t, a, ua.KeptAlive)
			id := pbx.Invite(ua.Invite{To: "b"})
			await(t, pbx, ua.Answered)
			pbx.Hangup(id)
			await(t, a, ua.Ended)
			if stream {
				reconnects(t, a)
			}
			a.Unregister()
			await(t, a, ua.Unregistered)
			await(t, pbx, ua.Unbound)
			for _, p := range []*Phone{a, pbx} {
				if err := p.Err(); err != nil {
					t.Error(err)
				}
				for _, e := range p.Events() {
					if e.Is == ua.Violation {
						t.Error(e.Text)
					}
				}
			}
		})
	}
}

// reconnects breaks a phone's connections, and waits until it is registered
// again.
func reconnects(t *testing.T, p *Phone) {
	t.Helper()
	from := len(p.Events())
	p.Break()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, kind := range []ua.Kind{ua.FlowFailed, ua.Registered} {
		_, next, err := p.Await(ctx, from, func(e ua.Event) bool { return e.Is == kind })
		if err != nil {
			t.Fatalf("waiting for %q: %v", kind, err)
		}
		from = next
	}
}

func TestCut(t *testing.T) {
	const options = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n" +
		"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
	for _, c := range []struct {
		in      string
		dialled bool
		n       int
	}{
		{"", true, 0}, {"\r", true, 0}, {"\r\n", true, 2}, {"\r\n\r\n", true, 2},
		{"\r\n", false, 0}, {"\r\n\r", false, 0}, {"\r\n\r\n", false, 4},
		{options, true, len(options)}, {options[:50], true, 0}, {options + "\r\n", false, len(options)},
		{"nonsense\r\n\r\n", false, 12},
	} {
		if n, _ := cut([]byte(c.in), c.dialled); n != c.n {
			t.Errorf("%q: %d, want %d", c.in, n, c.n)
		}
	}
}
