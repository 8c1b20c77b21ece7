package registrar

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"sbc/signaling/sip"
)

// FuzzRegister lets anything that the parser accepts come as a REGISTER, and
// answers it as a PBX would, or with little. What goes out are whole lines, of a
// bounded length, in which no contact of a phone stands.
func FuzzRegister(f *testing.F) {
	const auth = "Digest username=\"1\", realm=\"pbx\", nonce=\"n\""
	f.Add("<sip:1001@pbx.example>", "<sip:ann@10.0.0.5>", "60", "<sip:a;lr>", auth, true)
	f.Add("sip:%41@b", "\"A\" <sip:ann@10.0.0.5;transport=tcp>;q=0.5;expires=60;+sip.instance=\"<urn:uuid:1>\";reg-id=1", "1", "x", "Basic x", true)
	f.Add("<sips:b:5061>", "sip:a@b, <sip:c@d>;\r\n expires=0 ;y", "", "", "", false)
	f.Add("<sip:a@b>", "*", "0", "", auth, false)
	f.Add("<sip:a@b>", "<sip:a@b> ; expires = \"x\" ; z=\"\\\";\" , sip:c@d ;q=1\r\n\t;expires=7", "4294967296", "a,\r\n b", auth, true)
	f.Fuzz(func(t *testing.T, to, contact, expires, path, auth string, full bool) {
		text := "REGISTER sip:pbx.example SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=f\r\nTo: " + to +
			"\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nContact: " + contact + "\r\nExpires: " + expires + "\r\nPath: " + path + "\r\nAuthorization: " + auth + "\r\nContent-Length: 0\r\n\r\n"
		m := new(sip.Message)
		if m.Parse([]byte(text)) != nil || m.Method() != sip.REGISTER {
			return
		}
		r := New(options())
		flow := flowOf("203.0.113.1:5060")
		box := pbx{max: 100}
		for i := range 4 {
			now := start.Add(time.Duration(i) * 30 * time.Second)
			v := r.Register(now, 0, flow, m)
			lines(t, v.Fields)
			if v.Status != 0 {
				if (v.Status >= 300) != (v.Cause != "") || v.Key != 0 {
					t.Fatalf("%+v", v)
				}
				continue
			}
			for line := range strings.SplitSeq(string(v.Fields), "\r\n") {
				if value, ok := strings.CutPrefix(line, "Contact: "); ok && value != "*" && !strings.HasPrefix(value, "<sip:t") {
					t.Fatalf("the PBX gets %q", line)
				}
			}
			answer := response(t, 200)
			if full {
				if list := box.answer(t, now, "x", v.Fields); len(list) > 0 {
					answer = new(sip.Message)
					text := "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKo\r\nFrom: <sip:a@b>;tag=f\r\nTo: <sip:a@b>;tag=p\r\nCall-ID: o\r\nCSeq: 1 REGISTER\r\n" +
						strings.Join(list, "\r\n") + "\r\nContent-Length: 0\r\n\r\n"
					if err := answer.Parse([]byte(text)); err != nil {
						t.Fatalf("what the PBX got cannot be read: %v\n%s", err, text)
					}
				}
			}
			reply := r.Answered(now, v.Key, answer)
			lines(t, reply.Fields)
			for _, e := range reply.Effects {
				if e.Do == Save {
					again := New(options())
					if _, err := again.Restore(now, e.Record); err != nil || again.Len() != 1 {
						t.Fatalf("%v, %d bindings, of %q", err, again.Len(), e.Record)
					}
				}
			}
			if err := r.consistent(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// lines checks that b is whole lines, without a line that is empty.
func lines(t *testing.T, b []byte) {
	t.Helper()
	if len(b) == 0 {
		return
	}
	if !bytes.HasSuffix(b, []byte("\r\n")) || bytes.Contains(b, []byte("\r\n\r\n")) || len(b) > 16<<10 {
		t.Fatalf("not lines: %q", b)
	}
	for line := range bytes.SplitSeq(b[:len(b)-2], []byte("\r\n")) {
		if bytes.ContainsAny(line, "\r\n") || !bytes.Contains(line, []byte(": ")) {
			t.Fatalf("not a line: %q in %q", line, b)
		}
	}
}

// FuzzAnswered lets anything that the parser accepts be the PBX's response.
func FuzzAnswered(f *testing.F) {
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKo\r\nFrom: <sip:a@b>;tag=f\r\nTo: <sip:a@b>;tag=p\r\nCall-ID: o\r\nCSeq: 1 REGISTER\r\n" +
		"Contact: <sip:TOKEN@b>;expires=60;pub-gruu=\"sip:x\", *\r\nExpires: 30\r\nService-Route: <sip:a;lr>\r\nContent-Length: 0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := New(options())
		p := phone{aor: "1@a", callID: "c"}
		v := r.Register(start, 0, flowOf("203.0.113.1:5060"), parse(t, p.register("Contact: <sip:ann@10.0.0.5>")))
		_, rest, _ := strings.Cut(string(v.Fields), "<sip:")
		token, _, _ := strings.Cut(rest, "@")
		m := new(sip.Message)
		if m.Parse(bytes.ReplaceAll(data, []byte("TOKEN"), []byte(token))) != nil || m.IsRequest() {
			return
		}
		reply := r.Answered(start, v.Key, m)
		lines(t, reply.Fields)
		if err := r.consistent(); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzRestore(f *testing.F) {
	r, _ := filled(f, options(), 1)
	for _, b := range r.bindings {
		b.path, b.stale, b.outbound = "Path: <sip:a;lr>\r\n", true, true
		f.Add(r.appendRecord(nil, b))
	}
	f.Add([]byte{recordVersion, 200, 3, 1, 2, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := New(options())
		do, err := r.Restore(start, data)
		if err != nil && len(do) > 0 {
			t.Fatal("effects of what cannot be read")
		}
		if err := r.consistent(); err != nil {
			t.Fatal(err)
		}
		for serial, b := range r.bindings {
			if _, s := r.Lookup(start, serial); s == Unknown || b.there > r.since(start)+expiresMax*time.Second {
				t.Fatalf("%v until %v", s, b.there)
			}
			// What is written of it is read again.
			again := New(options())
			if _, err := again.Restore(start, r.appendRecord(nil, b)); err != nil || again.Len() != 1 {
				t.Fatalf("%v, %d bindings", err, again.Len())
			}
		}
		r.Advance(start.Add(24 * time.Hour))
	})
}

// A record of a later program may have fields more; one cut short is refused.
func TestRecordTolerates(t *testing.T) {
	r, _ := filled(t, options(), 1)
	for _, b := range r.bindings {
		rec := r.appendRecord(nil, b)
		if len(rec) > 400 {
			t.Errorf("%d octets", len(rec))
		}
		if _, err := decode(append(bytes.Clone(rec), 200, 2, 'h', 'i')); err != nil {
			t.Errorf("with a new field: %v", err)
		}
		if _, err := decode(rec[:len(rec)-1]); err == nil {
			t.Error("cut short, and taken")
		}
		rec[0]++
		if _, err := decode(rec); err != errVersion {
			t.Errorf("of another version: %v", err)
		}
	}
}
