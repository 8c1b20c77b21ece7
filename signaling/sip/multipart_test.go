package sip_test

import (
	"fmt"
	"strings"
	"testing"

	"sbc/signaling/sip"
)

// ambiguous are bodies in which one reader finds what another does not.
var ambiguous = map[string][2]string{
	"two session descriptions":                  {mixedB, "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n"},
	"one inside and one outside":                {mixedB, "--b\r\nContent-Type: multipart/alternative;boundary=i\r\n\r\n--i\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--i--\r\n--b\r\nc: APPLICATION/SDP\r\n\r\nv=0\r\n--b--\r\n"},
	"two types of one part":                     {mixedB, "--b\r\nContent-Type: text/plain\r\nc: application/sdp\r\n\r\nv=0\r\n--b--\r\n"},
	"a part that is encoded":                    {mixedB, "--b\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nv=0\r\na=3Dx=0D=0Ac=3DIN IP4 192.0.2.66\r\n--b--\r\n"},
	"a body that is encoded":                    {"Content-Type: application/sdp\r\nContent-Encoding: identity\r\nContent-Encoding: gzip\r\n", "v=0\r\n"},
	"two boundaries":                            {"Content-Type: multipart/mixed;boundary=b;boundary=c\r\n", "--b\r\n\r\nx\r\n--b--\r\n"},
	"two boundaries, one quoted":                {"Content-Type: multipart/mixed;boundary=\"b\";Boundary=b\r\n", "--b\r\n\r\nx\r\n--b--\r\n"},
	"a boundary with an escape":                 {"Content-Type: multipart/mixed;boundary=\"b\\c\"\r\n", "--b\\c\r\n\r\nx\r\n--b\\c--\r\n"},
	"a boundary that ends in a space":           {"Content-Type: multipart/mixed;boundary=\"b \"\r\n", "--b \r\n\r\nx\r\n--b --\r\n"},
	"a boundary that is folded":                 {"Content-Type: multipart/mixed;boundary=\"b\r\n c\"\r\n", "--b c\r\n\r\nx\r\n--b c--\r\n"},
	"a line that begins like a delimiter":       {mixedB, "--b\r\n\r\nx\r\n--bx\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n"},
	"inner boundary as the outer":               {mixedB, "--b\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n--b--\r\n"},
	"inner boundary begins as the outer":        {mixedB, "--b\r\nContent-Type: multipart/mixed;boundary=bb\r\n\r\n--bb\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--bb--\r\n--b--\r\n"},
	"parts behind the end":                      {mixedB, "--b\r\n\r\nx\r\n--b--\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n"},
	"no end":                                    {mixedB, "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"},
	"an end with something behind it":           {mixedB, "--b\r\n\r\nx\r\n--b--x\r\n"},
	"a delimiter behind LF":                     {mixedB, "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\na=x\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n"},
	"a delimiter behind CR":                     {mixedB, "--b\r\nContent-Type: text/plain\r\n\r\nx\r--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n"},
	"a delimiter that ends in LF":               {mixedB, "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n"},
	"fields of a part that end in LF":           {mixedB, "--b\r\nContent-Type: text/plain\n\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n"},
	"fields of a part with CR":                  {mixedB, "--b\r\nX: a\rContent-Type: text/plain\r\n\r\nv=0\r\n--b--\r\n"},
	"fields of a part with NUL":                 {mixedB, "--b\r\nX: a\x00\r\n\r\nv=0\r\n--b--\r\n"},
	"a type of a part with a space":             {mixedB, "--b\r\nContent-Type: application/sdp x\r\n\r\nv=0\r\n--b--\r\n"},
	"two types of a part in one line":           {mixedB, "--b\r\nContent-Type: text/plain, application/sdp\r\n\r\nv=0\r\n--b--\r\n"},
	"nested five times":                         {mixedB, nest(5)},
	"nested as often as there is room for":      {mixedB, nest(900)},
	"white space in the type of the whole part": {mixedB, "--b\r\nContent-Type: application / sdp\r\n\r\nv=0\r\n--b--\r\n"},
}

const mixedB = "Content-Type: multipart/mixed;boundary=b\r\n"

// nest puts a session description into n multiparts, each in the one before.
func nest(n int) string {
	var b strings.Builder
	b.WriteString("--b\r\n")
	for i := range n - 1 {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed;boundary=n%d.\r\n\r\n--n%d.\r\n", i, i)
	}
	b.WriteString("Content-Type: application/sdp\r\n\r\nv=0")
	for i := n - 2; i >= 0; i-- {
		fmt.Fprintf(&b, "\r\n--n%d.--", i)
	}
	return b.String() + "\r\n--b--\r\n"
}

// TestAmbiguousBodies: such a body has no parts.
func TestAmbiguousBodies(t *testing.T) {
	for name, c := range ambiguous {
		m := typed(t, c[0], c[1])
		part, ok, err := m.BodyPart("application/sdp")
		if e, bad := err.(*sip.Error); !bad || e.Cause != "multipart" || e.Status != 400 {
			t.Errorf("%s: found %v %q, %v; want the cause multipart", name, ok, m.Bytes(part), err)
		}
	}
	for n, body := range map[int]string{
		1: nest(1), 2: nest(2), 4: nest(4), 5: "preamble\r\n" + nest(1) + "epilogue\r\n", 6: "\r\n" + nest(1), 7: strings.ReplaceAll(nest(2), "\r\n", "\n"),
		8: strings.Replace(nest(1), "--b\r\n", "--b \t\r\nContent-Transfer-Encoding: 8BIT\r\n", 1),
	} {
		m := typed(t, mixedB, body)
		if part, ok, err := m.BodyPart("application/sdp"); !ok || err != nil || string(m.Bytes(part)) != "v=0" {
			t.Errorf("%d: found %v %q, %v", n, ok, m.Bytes(part), err)
		}
	}
}

// TestTypes: a body has one media type, in any case and with any parameters.
func TestTypes(t *testing.T) {
	read := func(value string) error {
		return new(sip.Message).Parse([]byte(with(t, invite, "Content-Type: application/sdp", "Content-Type:"+value)))
	}
	for _, value := range []string{" APPLICATION/sdp", "application/sdp;charset=\"a,b\";x", "\r\n application/sdp ; x = y", " text", " application/vnd.x-y+xml"} {
		if err := read(value); err != nil {
			t.Errorf("%q: %v", value, err)
		}
	}
	for _, value := range []string{"", " \r\n ", " application / sdp", " application/ sdp", " text/plain, application/sdp", " application/sdp text/plain", " ;x", " /sdp", " application/sdp/x", " \"application/sdp\"", " application/sdp(x)"} {
		if e, ok := read(value).(*sip.Error); !ok || e.Cause != "syntax" || e.Status != 400 {
			t.Errorf("%q: %v, want syntax", value, e)
		}
	}
	if err := new(sip.Message).Parse([]byte(with(t, ok200, "Content-Length: 0", "Content-Type:\r\nContent-Length: 0"))); err != nil {
		t.Errorf("no type of no body: %v", err)
	}
}
