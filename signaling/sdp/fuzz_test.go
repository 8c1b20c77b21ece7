package sdp

import (
	"bytes"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	pion "github.com/pion/sdp/v3"

	"sbc/lab/ladder"
	"sbc/signaling/edit"
)

// seeds gives the devices' descriptions, and what is refused and taken, to a
// fuzz target.
func seeds(f testing.TB, add func(text string)) {
	files, _ := filepath.Glob("testdata/*.case")
	for _, file := range files {
		in, _ := readCase(f, file).Text("in")
		add(string(ladder.CRLF(in)))
		add(in)
	}
	for _, c := range refused {
		add(c.sdp)
	}
	for _, text := range taken {
		add(text)
	}
}

// Whatever comes in: what is accepted has views that hold.
func FuzzParse(f *testing.F) {
	seeds(f, func(text string) { f.Add([]byte(text)) })
	var s Session
	f.Fuzz(func(t *testing.T, raw []byte) {
		err := s.Parse(raw, whole(raw))
		if err == nil {
			checkViews(t, &s)
			describe(&s)
		} else {
			checkError(t, raw, err)
		}
	})
}

// What pion accepts of all seeds, we see as it does. A fuzzer would only find
// where pion reads what no device sends in a way of its own.
func TestAgainstPion(t *testing.T) {
	var s Session
	check := func(text string) {
		raw := []byte(text)
		compareWithPion(t, &s, raw, s.Parse(raw, whole(raw)))
	}
	seeds(t, check)
}

func checkError(t *testing.T, raw []byte, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Cause == "" || e.Status != 400 && e.Status != 488 || e.At < 0 || e.At > len(raw) || e.Want == "" {
		t.Errorf("%q: the error %+v", raw, err)
	}
}

func compareWithPion(t *testing.T, s *Session, raw []byte, err error) {
	t.Helper()
	var p pion.SessionDescription
	// pion takes a tab for the end of a field, and may read the next line's
	// type behind it.
	if bytes.IndexByte(raw, '\t') >= 0 || p.Unmarshal(raw) != nil || strictOnPurpose(raw, &p) {
		return
	}
	if err != nil {
		// pion takes much that no device sends, a port of "+1" for instance;
		// TestTaken says what we must take.
		return
	}
	if len(s.Media) != len(p.MediaDescriptions) {
		t.Errorf("%q: %d media, pion sees %d", raw, len(s.Media), len(p.MediaDescriptions))
		return
	}
	if text(s, s.Name) != string(p.SessionName) {
		t.Errorf("%q: name %q, pion sees %q", raw, text(s, s.Name), p.SessionName)
	}
	for i, m := range p.MediaDescriptions {
		compareMedia(t, s, &s.Media[i], &p, m)
	}
}

func compareMedia(t *testing.T, s *Session, m *Media, p *pion.SessionDescription, want *pion.MediaDescription) {
	t.Helper()
	var formats []string
	for f := range s.FormatsOf(m) {
		formats = append(formats, text(s, f.Text))
	}
	if int(m.PortNum) != want.MediaName.Port.Value || text(s, m.Type) != want.MediaName.Media ||
		strings.Join(formats, " ") != strings.Join(want.MediaName.Formats, " ") {
		t.Errorf("%q: %s %d %q, pion sees %+v", s.Raw, text(s, m.Type), m.PortNum, formats, want.MediaName)
	}
	c := want.ConnectionInformation
	if c == nil {
		c = p.ConnectionInformation
	}
	var addr netip.Addr
	if c != nil {
		host, _, _ := strings.Cut(c.Address.Address, "/")
		addr, _ = netip.ParseAddr(host)
	}
	if m.Addr != addr {
		t.Errorf("%q: address %s, pion sees %s", s.Raw, m.Addr, addr)
	}
	attributes := 0
	for a := range s.Attributes(m) {
		if attributes < len(want.Attributes) {
			if w := want.Attributes[attributes]; w.Key != text(s, a.Name) && strings.TrimRight(w.Key, " ") != text(s, a.Name) && text(s, a.Name) != "" {
				t.Errorf("%q: attribute %q, pion sees %q", s.Raw, text(s, a.Name), w.Key)
			}
		}
		attributes++
	}
	if attributes != len(want.Attributes) {
		t.Errorf("%q: %d attributes, pion sees %d", s.Raw, attributes, len(want.Attributes))
	}
}

// strictOnPurpose reports whether we may refuse, or read otherwise, what pion
// takes: a CR or NUL inside of a line, HT between words, a version that is
// not "0" or not there, a last line of one octet, several c= in one place or
// one that is no address, a name, and what is too much.
func strictOnPurpose(raw []byte, p *pion.SessionDescription) bool {
	lines := bytes.Split(raw, []byte("\n"))
	seenC := map[int]int{}
	media, candidates := 0, 0
	if len(bytes.TrimSpace(raw)) == 0 || len(bytes.TrimRight(lines[len(lines)-1], "\r")) == 1 {
		return true
	}
	for _, line := range lines {
		line = bytes.TrimRight(line, "\r")
		value, isC := bytes.CutPrefix(line, []byte("c="))
		isM := bytes.HasPrefix(line, []byte("m="))
		switch {
		case bytes.ContainsAny(line, "\r\x00"), len(line) > lineMax:
			return true
		case (isC || isM) && bytes.IndexByte(line, '\t') >= 0:
			return true
		case bytes.HasPrefix(line, []byte("v=")) && string(bytes.TrimRight(line, " ")) != "v=0":
			return true
		case isM:
			if media++; bytes.Contains(line, []byte("/")) && strangeCount(line) {
				return true
			}
		case isC:
			if seenC[media]++; seenC[media] > 1 || !isAddress(value) {
				return true
			}
		case bytes.HasPrefix(line, []byte("a=candidate")):
			candidates++
		}
	}
	return media > mediaMax || candidates > candidatesMax
}

// strangeCount reports whether the number of ports is none that we take, or
// whether words are missing.
func strangeCount(line []byte) bool {
	words := strings.Fields(string(line))
	if len(words) < 3 {
		return true
	}
	port, count, counted := strings.Cut(words[1], "/")
	if _, ok := decimal([]byte(port), 65535); !ok {
		return true
	}
	n, ok := decimal([]byte(count), 65535)
	return counted && (!ok || n == 0)
}

func isAddress(value []byte) bool {
	words := strings.Fields(string(value))
	if len(words) < 3 {
		return false
	}
	host, _, _ := strings.Cut(words[2], "/")
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Zone() == "" && addr.Is4() == (words[1] == "IP4")
}

// Edits at places that the fuzzer chooses do what they say and nothing else:
// the edited description is accepted, says what was put in, and all other
// lines are octet by octet the same.
func FuzzEdit(f *testing.F) {
	seeds(f, func(text string) { f.Add([]byte(text), uint8(0), uint8(5), uint8(9)) })
	f.Fuzz(func(t *testing.T, raw []byte, replaced, removed, inserted uint8) {
		var s Session
		if s.Parse(raw, whole(raw)) != nil {
			return
		}
		var edits []edit.Edit
		var want []string // types and values
		n := len(s.Lines)
		for i, l := range s.Lines {
			keep := string(l.Type) + "=" + text(&s, l.Value)
			switch plain := strings.IndexByte("vmc", l.Type) < 0; {
			case plain && i == int(removed)%n && i != int(inserted)%n:
				edits = s.Remove(edits, i, "removed")
				keep = ""
			case plain && i == int(replaced)%n:
				edits = s.Replace(edits, i, []byte("x-replaced"), "replaced")
				keep = string(l.Type) + "=x-replaced"
			case l.Type == 'c':
				edits = s.Replace(edits, i, []byte("IN IP4 203.0.113.7"), "address")
				keep = "c=IN IP4 203.0.113.7"
			}
			if keep != "" {
				want = append(want, keep)
			}
			if i == int(inserted)%n {
				edits = s.Insert(edits, i, []byte("a=x-inserted"), "inserted")
				want = append(want, "a=x-inserted")
			}
		}
		for i := range s.Media {
			port := s.Media[i].Port
			edits = append(edits, edit.Edit{Start: port.Start, End: port.End, New: []byte("20000"), Why: "port"})
		}
		out, err := edit.AppendTo(nil, raw, edits)
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		checkEdited(t, &s, out, want)
	})
}

func checkEdited(t *testing.T, before *Session, out []byte, want []string) {
	t.Helper()
	var s Session
	if err := s.Parse(out, whole(out)); err != nil {
		var e *Error
		if errors.As(err, &e) && e.Cause == "sdp_limit" {
			return
		}
		t.Fatalf("%q became %q: %v", before.Raw, out, err)
	}
	checkViews(t, &s)
	var got []string
	for _, l := range s.Lines {
		if l.Type != 'm' {
			got = append(got, string(l.Type)+"="+text(&s, l.Value))
		}
	}
	for i := len(want) - 1; i >= 0; i-- {
		if want[i][0] == 'm' {
			want = append(want[:i], want[i+1:]...)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q became %q:\n%s", before.Raw, out, ladder.Diff(strings.Join(want, "\n"), strings.Join(got, "\n")))
	}
	if len(s.Media) != len(before.Media) {
		t.Fatalf("%q became %q: %d media, then %d", before.Raw, out, len(before.Media), len(s.Media))
	}
	for i := range s.Media {
		a, b := &before.Media[i], &s.Media[i]
		if b.PortNum != 20000 || b.Addr.IsValid() && b.Addr != netip.AddrFrom4([4]byte{203, 0, 113, 7}) ||
			text(before, a.Formats) != text(&s, b.Formats) || text(before, a.Proto) != text(&s, b.Proto) {
			t.Errorf("%q became %q: %+v, then %+v", before.Raw, out, a, b)
		}
	}
}

func FuzzParseAddr(f *testing.F) {
	for _, text := range []string{"192.0.2.1", "2001:db8::1", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8", "::", "fe80::1%x"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want, err := netip.ParseAddr(string(b))
		ok := err == nil && want.Zone() == "" && !bytes.ContainsRune(b, '%')
		if !ok {
			want = netip.Addr{}
		}
		if got, good := parseAddr(b); good != ok || got != want {
			t.Errorf("%q: %v, %v; want %v, %v", b, got, good, want, ok)
		}
	})
}
