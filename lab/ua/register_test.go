package ua

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

const instance = "urn:uuid:00000000-0000-1000-8000-000a95a0e128"

// registering is a world in which a registers at b.
func registering(t *testing.T, phone func(*Options), pbx func(*Options)) *world {
	w := newWorld(t, quietly, func(i int, o *Options) {
		o.Password = "secret"
		if i == 0 {
			o.Domain, o.Register = "pbx.example", &Register{Seconds: 100}
			if phone != nil {
				phone(o)
			}
			return
		}
		o.Registrar = &Registrar{Domain: "pbx.example", Realm: "pbx", Users: map[string]string{"a": "secret", "b": "else"}}
		if pbx != nil {
			pbx(o)
		}
	})
	return w
}

// register lets a register as its Options say.
func (w *world) register() {
	w.t.Helper()
	w.do(0, w.agents[0].Register(w.now, *w.agents[0].o.Register, nil))
}

// count counts what went over the wire, of a title.
func (w *world) count(what string) (n int) {
	for _, line := range w.wire {
		if line == what {
			n++
		}
	}
	return n
}

func TestRegister(t *testing.T) {
	for _, c := range []struct {
		name    string
		r       Register
		pbx     func(*Registrar)
		contact string // in the last REGISTER that binds
		sent    int    // REGISTERs within 249 s
		a, b    string
	}{
		{"as asked", Register{Seconds: 100}, nil, "Contact: <sip:a@10.0.0.1:5060>\r\nExpires: 100\r\n", 10,
			"registered 200, registered 200, registered 200, registered 200, registered 200", "bound, bound, bound, bound, bound"},
		{"the same nonce", Register{Seconds: 100, Again: true}, nil, "Contact: <sip:a@10.0.0.1:5060>\r\nExpires: 100\r\n", 6,
			"registered 200, registered 200, registered 200, registered 200, registered 200", "bound, bound, bound, bound, bound"},
		{"a nonce for once", Register{Seconds: 100, Again: true}, func(r *Registrar) { r.Spent = true }, "Expires: 100\r\n", 10,
			"registered 200, registered 200, registered 200, registered 200, registered 200", "bound, bound, bound, bound, bound"},
		{"an old nonce", Register{Seconds: 100, Again: true}, func(r *Registrar) { r.Nonce = 60 * time.Second }, "Expires: 100\r\n", 8,
			"registered 200, registered 200, registered 200, registered 200, registered 200", "bound, bound, bound, bound, bound"},
		{"nobody is challenged", Register{Seconds: 100}, func(r *Registrar) { r.Realm = "" }, "Expires: 100\r\n", 5,
			"registered 200, registered 200, registered 200, registered 200, registered 200", "bound, bound, bound, bound, bound"},
		{"shortly before the end", Register{Seconds: 100, Early: 5 * time.Second, InContact: true}, nil,
			"Contact: <sip:a@10.0.0.1:5060>;expires=100\r\nAllow", 6,
			"registered 200, registered 200, registered 200", "bound, bound, bound"},
		{"shortened", Register{}, func(r *Registrar) { r.Max = 200 }, "Expires: 3600\r\n", 6,
			"registered 200, registered 200, registered 200", "bound, bound, bound"},
		{"423", Register{Seconds: 30, Again: true}, func(r *Registrar) { r.Min = 300 }, "Expires: 300\r\n", 4,
			"registered 200, registered 200", "REGISTER refused 423, bound, bound"},
		{"outbound, path and GRUU", Register{Seconds: 300, Instance: instance, RegID: 1, Outbound: true, GRUU: true, Q: "0.7"},
			func(r *Registrar) { r.Outbound, r.GRUU = true, true },
			"Contact: <sip:a@10.0.0.1:5060>;+sip.instance=\"<" + instance + ">\";reg-id=1;q=0.7\r\nExpires: 300\r\nSupported: path, outbound, gruu\r\n", 4,
			"registered 200, registered 200", "bound, bound"},
		{"an instance alone", Register{Seconds: 300, Instance: instance, Path: true}, nil,
			"Contact: <sip:a@10.0.0.1:5060>;+sip.instance=\"<" + instance + ">\"\r\nExpires: 300\r\nSupported: path\r\n", 4,
			"registered 200, registered 200", "bound, bound"},
		{"three contacts", Register{Seconds: 300, Contacts: []string{"sip:x@192.0.2.77", "tel:+4930123"}}, nil,
			"Contact: <sip:a@10.0.0.1:5060>\r\nContact: <sip:x@192.0.2.77>\r\nContact: <tel:+4930123>\r\nExpires: 300\r\n", 4,
			"registered 200, registered 200", "bound, bound, bound, bound, bound, bound"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := registering(t, func(o *Options) { o.Register = &c.r }, func(o *Options) {
				if c.pbx != nil {
					c.pbx(o.Registrar)
				}
			})
			last, ids := "", map[string]bool{}
			w.lose = func(p packet) bool {
				if title(t, p.bytes) == "REGISTER" {
					last = string(p.bytes)
					_, after, _ := strings.Cut(last, "Call-ID: ")
					id, _, _ := strings.Cut(after, "\r\n")
					ids[id] = true
				}
				return false
			}
			w.register()
			w.run(249 * time.Second)
			w.clean()
			w.want(c.a, c.b)
			if !strings.Contains(last, c.contact) || len(ids) != 1 {
				t.Errorf("%d Call-IDs, last REGISTER\n%s", len(ids), last)
			}
			all, ofUser := w.agents[1].Counts("a")
			if got := w.count("a→ REGISTER"); got != c.sent || all.Requests != got || ofUser != got || all.Granted+all.Challenged+all.Refused != got {
				t.Errorf("%d REGISTERs, %+v, want %d", got, all, c.sent)
			}
			if got, want := len(w.agents[1].Bindings("a")), 1+len(c.r.Contacts); got != want {
				t.Errorf("%d bindings, want %d", got, want)
			}
			w.unregistered()
		})
	}
}

// unregistered lets a take its contacts back, and checks that nothing is left.
func (w *world) unregistered() {
	w.t.Helper()
	w.do(0, w.agents[0].Unregister(w.now, nil))
	w.run(2 * time.Second)
	if b := w.agents[1].Bindings("a"); len(b) > 0 || len(w.agents[1].BoundUsers()) > 0 || w.agents[0].Registered() {
		w.t.Errorf("still bound: %+v", b)
	}
	w.clean()
	w.done()
}

// A registrar that fails, refuses or is silent.
func TestRegistrationFails(t *testing.T) {
	for _, c := range []struct {
		name     string
		password string
		status   int
		wait     int
		for_     time.Duration
		from, to time.Duration // when the next REGISTER comes
		want     string
	}{
		{"wrong password", "guess", 0, 0, 0, 0, 0, "registration failed 403"},
		{"no password", "", 0, 0, 0, 0, 0, "registration failed 401"},
		{"for good", "secret", 404, 0, 0, 0, 0, "registration failed 404"},
		{"Retry-After", "secret", 503, 40, 20 * time.Second, 40 * time.Second, 46 * time.Second, "registration failed 503, registered 200"},
		{"back-off", "secret", 500, 0, 10 * time.Second, 15 * time.Second, 31 * time.Second, "registration failed 500, registered 200"},
		{"silence", "secret", -1, 0, 20 * time.Second, 32 * time.Second, 63 * time.Second, "registration failed 408, registered 200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := registering(t, func(o *Options) { o.Password = c.password }, nil)
			if c.status != 0 {
				w.agents[1].Down(c.status, c.wait)
			}
			if c.for_ > 0 {
				w.at(c.for_, func() { w.agents[1].Down(0, 0) })
			}
			second := time.Duration(0)
			w.lose = func(p packet) bool {
				if w.now > 32*time.Second || c.status > 0 && w.now > time.Second {
					if second == 0 && title(t, p.bytes) == "REGISTER" {
						second = w.now
					}
				}
				return false
			}
			w.register()
			w.run(65 * time.Second)
			w.clean()
			if got := w.kinds(0); !strings.HasPrefix(got, c.want) || second < c.from || second > c.to {
				t.Errorf("%s, next REGISTER after %v", got, second)
			}
		})
	}
}

// What is granted ends when no refresh gets through, and begins again.
func TestRegistrationLapses(t *testing.T) {
	w := registering(t, nil, nil)
	w.register()
	w.run(10 * time.Second)
	w.lose = func(packet) bool { return true }
	w.run(100 * time.Second)
	w.lose = nil
	w.run(150 * time.Second)
	w.clean()
	w.want("registered 200, registration failed 408, unregistered, registered 200, registered 200, registered 200", "bound, unbound, bound, bound, bound")
}

// `*` removes what others have bound, too.
func TestUnregisterAll(t *testing.T) {
	w := registering(t, nil, nil)
	w.register()
	w.run(time.Second)
	w.do(0, w.agents[0].Reboot(w.now, nil))
	w.do(0, w.agents[0].Register(w.now, Register{Seconds: 100, Contacts: []string{"sip:z@192.0.2.99"}}, nil))
	w.do(0, w.agents[0].UnregisterAll(w.now, nil))
	w.run(time.Second)
	w.clean()
	w.want("registered 200, registered 200, unregistered 200", "bound, bound, bound, unbound, unbound")
	w.done()
	if w.agents[0].Registered() {
		t.Error("still registered")
	}
}

// What a registrar, or somebody between, does wrong is told by the phone.
func TestRegisterViolations(t *testing.T) {
	const contact = "<sip:a@10.0.0.1:5060>"
	for _, c := range []struct{ name, message, old, new, want string }{
		{"nothing", "200 REGISTER", "Contact", "Contact", ""},
		{"not named", "200 REGISTER", "sip:a@10", "sip:a@11", "is not named"},
		{"another's", "200 REGISTER", "Contact: ", "Contact: <sip:z@192.0.2.9>;expires=9, ", "another's Contact sip:z@192.0.2.9"},
		{"no expires", "200 REGISTER", ";expires=100", "", "no expires"},
		{"expires=0", "200 REGISTER", ";expires=100", ";expires=0", "expires=0"},
		{"expires unreadable", "200 REGISTER", ";expires=100", ";expires=ten", "expires of a Contact"},
		{"too long", "200 REGISTER", ";expires=100", ";expires=101", "expires=101 where 100"},
		{"star", "200 REGISTER", contact + ";expires=100", "*", "Contact *"},
		{"instance", "200 REGISTER", ";expires=100", ";expires=100;+sip.instance=\"<urn:x>\"", "+sip.instance"},
		{"reg-id", "200 REGISTER", ";expires=100", ";expires=100;reg-id=4", "reg-id 4"},
		{"GRUU", "200 REGISTER", ";expires=100", ";expires=100;pub-gruu=\"sip:a@x;gr\"", "pub-gruu, which"},
		{"outbound", "200 REGISTER", "Content-Length", "Require: outbound\r\nContent-Length", "Require: outbound"},
		{"Service-Route", "200 REGISTER", "Content-Length", "Service-Route: <sip:x\r\nContent-Length", "Service-Route"},
		{"Call-ID", "200 REGISTER", "Call-ID: ", "Call-ID: x", "another Call-ID"},
		{"From tag", "200 REGISTER", ";tag=", ";tag=x", "another From tag"},
		{"rport", "200 REGISTER", ";rport=5060", ";rport", "no received or rport"},
		{"Via", "200 REGISTER", "From:", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\nFrom:", "2 Via instead of 1"},
		{"CSeq", "200 REGISTER", "CSeq: ", "CSeq: 1", "another CSeq"},
		{"no challenge", "401 REGISTER", "WWW-Authenticate", "WWW-Authenticbte", "no challenge"},
		{"another scheme", "401 REGISTER", "Digest", "Basic", "scheme"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := registering(t, nil, nil)
			w.mutate(c.message, c.old, c.new)
			w.register()
			w.run(time.Second)
			w.violated(c.want)
		})
	}
	t.Run("longer is right for who says so", func(t *testing.T) {
		w := registering(t, func(o *Options) { o.Register.Longer = true }, nil)
		w.mutate("200 REGISTER", ";expires=100", ";expires=101")
		w.register()
		w.run(time.Second)
		w.clean()
	})
	t.Run("Min-Expires", func(t *testing.T) {
		w := registering(t, nil, func(o *Options) { o.Registrar.Min = 200 })
		w.mutate("423 REGISTER", "Min-Expires: 200", "Min-Expires: 20")
		w.register()
		w.run(time.Second)
		w.violated("Min-Expires 20")
	})
	t.Run("after its removal", func(t *testing.T) {
		w := registering(t, nil, nil)
		w.register()
		w.run(time.Second)
		w.mutate("200 REGISTER", "Content-Length", "Contact: "+contact+";expires=50\r\nContent-Length")
		w.do(0, w.agents[0].Unregister(w.now, nil))
		w.run(time.Second)
		w.violated("after its removal")
		w.do(0, w.agents[0].UnregisterAll(w.now, nil))
		w.run(time.Second)
		w.violated("a Contact after *")
	})
	t.Run("the nonce again", func(t *testing.T) {
		w := registering(t, func(o *Options) { o.Register.Again = true }, nil)
		w.register()
		w.run(time.Second)
		first := ""
		w.route = func(b []byte, p *packet) {
			if n := bytes.Index(b, []byte("nonce=\"")); n > 0 && title(t, b) == "REGISTER" {
				first = string(b[n+7 : n+31])
				p.bytes = bytes.Replace(b, []byte(first), []byte(strings.Repeat("x", 24)), 1)
				p.bytes = bytes.Replace(p.bytes, []byte("opaque=\"op"+first[:6]), []byte("opaque=\"opxxxxxx"), 1)
			}
			if n := bytes.Index(b, []byte("nonce=\"")); n > 0 && title(t, b) == "401 REGISTER" {
				p.bytes = bytes.Replace(b, b[n+7:n+31], []byte(first), 1)
			}
		}
		w.do(0, w.agents[0].RefreshNow(w.now, nil))
		w.run(time.Second)
		w.violated("given again")
	})
	t.Run("GRUU changes", func(t *testing.T) {
		w := registering(t, func(o *Options) { o.Register.GRUU, o.Register.Instance = true, instance }, func(o *Options) { o.Registrar.GRUU = true })
		w.register()
		w.run(time.Second)
		w.clean()
		w.mutate("200 REGISTER", ";gr=urn", ";gr=xrn")
		w.do(0, w.agents[0].RefreshNow(w.now, nil))
		w.run(time.Second)
		w.violated("after \"sip:a@pbx.example;gr=urn")
	})
}

// mutate changes every message of a title on its way.
func (w *world) mutate(message, old, new string) {
	w.route = func(b []byte, p *packet) {
		if title(w.t, b) == message {
			p.bytes = bytes.Replace(b, []byte(old), []byte(new), 1)
		}
	}
}

// violated checks that a rule was broken, or none where want is empty.
func (w *world) violated(want string) {
	w.t.Helper()
	if got := fmt.Sprint(strings.Join(w.violations(), "; ")); (want == "") != (got == "") || !strings.Contains(got, want) {
		w.t.Errorf("violations %q, want %q", got, want)
	}
}
