package signaling

import (
	"strings"
	"testing"
)

// A description with more in it than anybody needs, and a body in which two
// readers find two descriptions, are refused and leave nothing.
func TestDescriptionsRefused(t *testing.T) {
	many := func(n int, line string) string { return withSDP("a=sendrecv\n", strings.Repeat(line+"\n", n)) }
	mixed := func(body string) string {
		return strings.NewReplacer("application/sdp", "multipart/mixed;boundary=b", offer, body).Replace(invite)
	}
	part := "--b\nContent-Type: application/sdp\n\n" + offer
	for _, c := range []struct{ name, message, cause, want string }{
		{"33 streams", many(32, "m=audio 6000 RTP/AVP 8"), "sdp_limit", "a 100, a 488"},
		{"1,000 candidates", many(1000, "a=candidate:1 1 UDP 1 192.168.1.44 5000 typ host"), "sdp_limit", "a 100, a 488"},
		{"a line over 8 KiB", many(1, "a="+strings.Repeat("x", 8<<10)), "sdp_limit", "a 100, a 488"},
		{"two descriptions", mixed(part + part + "--b--\n"), "multipart", "a 100, a 400"},
		{"one behind the end", mixed(part + "--b--\n" + part + "--b--\n"), "multipart", "a 100, a 400"},
		{"two boundaries", strings.Replace(mixed(part+"--b--\n"), "boundary=b", "boundary=b;boundary=c", 1), "multipart", "a 100, a 400"},
		{"two media types", replaced("Content-Type: application/sdp", "Content-Type: text/plain, application/sdp"), "syntax", "a 400"},
	} {
		w := newWorld(t)
		w.want(w.send(pbxAddr, c.message), c.want)
		if w.s.stats.rejects[c.cause] != 1 {
			t.Errorf("%s: counted %v, want %s", c.name, w.s.stats.rejects, c.cause)
		}
		w.nothingLeft()
	}
}
