package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"sbc/bench/world"
	"sbc/lab/netns"
)

// ngAddr is where rtpengine listens for the ng protocol.
var ngAddr = netip.MustParseAddrPort("127.0.0.1:2223")

// measurePeer measures a fresh rtpengine in user space.
func measurePeer(b *bed, o options) (result, error) {
	if _, err := exec.LookPath("rtpengine"); err != nil {
		return result{}, fmt.Errorf("%w: install the Debian package rtpengine-daemon", err)
	}
	args := []string{
		"--config-file=none", "--foreground", "--log-stderr", "--log-level=2", "--table=-1",
		"--interface=inside/" + world.Inside.String(), "--interface=outside/" + world.Outside.String(),
		"--listen-ng=" + ngAddr.String(),
		"--port-min=" + strconv.Itoa(firstPort), "--port-max=" + strconv.Itoa(lastPort),
	}
	if o.threads > 0 {
		args = append(args, "--num-threads="+strconv.Itoa(o.threads))
	}
	p, err := b.start("rtpengine", args...)
	if err != nil {
		return result{}, err
	}
	defer p.Kill()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := netns.Await(ctx, func() bool { return b.Middle.Bound(ngAddr) }); err != nil {
		return result{}, fmt.Errorf("it does not start: %w; it wrote %q", err, p.Output())
	}
	conn, err := b.Middle.Dial("udp4", ngAddr.String())
	if err != nil {
		return result{}, err
	}
	defer func() { _ = conn.Close() }()
	ports := make([][2]uint16, o.calls)
	for i := range ports {
		if ports[i], err = ngCall(conn, i, b.ends); err != nil {
			return result{}, fmt.Errorf("call %d: %w; it wrote %q", i, err, p.Output())
		}
	}
	return measureRelay(b, o, p.PID(), ports)
}

// ngCall sets up one call by offer and answer, and returns the ports for the
// LAN and for the ITSP.
func ngCall(conn net.Conn, n int, ends [2]*end) (ports [2]uint16, err error) {
	common := []string{
		"call-id", bstring("call-" + strconv.Itoa(n)), "from-tag", bstring("a"),
		"flags", blist("trust-address", "strict-source"), "ICE", bstring("remove"), "replace", blist("origin"),
	}
	offer := append([]string{
		"command", bstring("offer"), "sdp", bstring(description(ends[0].addr)), "direction", blist("inside", "outside"),
	}, common...)
	if ports[1], err = ng(conn, "o"+strconv.Itoa(n), offer); err != nil {
		return ports, fmt.Errorf("offer: %w", err)
	}
	answer := append([]string{
		"command", bstring("answer"), "sdp", bstring(description(ends[1].addr)), "to-tag", bstring("b"),
	}, common...)
	if ports[0], err = ng(conn, "a"+strconv.Itoa(n), answer); err != nil {
		return ports, fmt.Errorf("answer: %w", err)
	}
	return ports, nil
}

func description(a netip.AddrPort) string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %[1]v\r\ns=-\r\nc=IN IP4 %[1]v\r\nt=0 0\r\nm=audio %[2]d RTP/AVP 0\r\n",
		a.Addr(), a.Port())
}

// ng sends a command and returns the port in the description of the response.
func ng(conn net.Conn, cookie string, pairs []string) (uint16, error) {
	if _, err := conn.Write([]byte(cookie + " " + bdict(pairs))); err != nil {
		return 0, fmt.Errorf("write to rtpengine: %w", err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, fmt.Errorf("read from rtpengine: %w", err)
	}
	b := make([]byte, 65536)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return 0, fmt.Errorf("read from rtpengine: %w", err)
		}
		if body, ok := bytes.CutPrefix(b[:n], []byte(cookie+" ")); ok {
			return mediaPort(string(body))
		}
	}
}

// mediaPort finds the port of the m= line in a response.
func mediaPort(response string) (uint16, error) {
	_, rest, ok := strings.Cut(response, "m=audio ")
	if !ok {
		return 0, fmt.Errorf("no description in %q", response)
	}
	text, _, _ := strings.Cut(rest, " ")
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, errors.New("no port in " + strconv.Quote(response))
	}
	return uint16(port), nil
}

// Bencoding, as far as the ng protocol needs it.

func bstring(s string) string { return strconv.Itoa(len(s)) + ":" + s }

func blist(items ...string) string {
	var b strings.Builder
	for _, s := range items {
		b.WriteString(bstring(s))
	}
	return "l" + b.String() + "e"
}

// bdict takes keys and encoded values in turn. (rtpengine does not ask for
// sorted keys.)
func bdict(pairs []string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteString(bstring(pairs[i]))
		b.WriteString(pairs[i+1])
	}
	return "d" + b.String() + "e"
}
