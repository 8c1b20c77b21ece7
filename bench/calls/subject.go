package main

import (
	_ "embed"
	"fmt"
	"net/netip"
	"path/filepath"

	"sbc/bench/world"
	"sbc/lab/netns"
)

// A subject is an SBC that is measured.
type subject struct {
	name  string
	kind  kind
	pause int // ms that the scenario waits before the 200 and before the BYE
	start func(*world.World, options) ([]*netns.Process, error)
}

//go:embed testdata/sbc.hcl
var sbcConfig string

//go:embed testdata/kamailio.cfg
var kamailioConfig string

func subjects(o options) []subject {
	const peerPause = 100
	return []subject{
		ours(plain),
		{name: "topoh", pause: peerPause, start: func(w *world.World, o options) ([]*netns.Process, error) {
			p, err := startKamailio(w)
			return []*netns.Process{p}, err
		}},
		{name: "topoh+rtpengine", pause: peerPause, start: startWithRelay},
	}
}

func sip(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, 5060) }

// ours is the SBC, for calls of a kind.
func ours(k kind) subject {
	return subject{name: "sbc", kind: k, start: func(w *world.World, o options) ([]*netns.Process, error) { return startSBC(w, o, k) }}
}

func startSBC(w *world.World, o options, k kind) ([]*netns.Process, error) {
	path, err := w.File("sbc.hcl", k.config(fmt.Sprintf(sbcConfig, world.Outside, world.Inside, world.ITSP, world.LAN, filepath.Join(w.Dir, "sbc.sock"))))
	if err != nil {
		return nil, err
	}
	p, err := w.Middle.Start(netns.Command{Path: o.binary, Args: []string{"run", path}})
	if err != nil {
		return nil, err
	}
	return []*netns.Process{p}, world.Serves(w.Middle, p, k == streams, sip(world.Outside), sip(world.Inside))
}

// startKamailio starts Kamailio as it does best here: its fast allocator, two
// workers a socket, a receive buffer of 4 MiB.
func startKamailio(w *world.World, define ...string) (*netns.Process, error) {
	path, err := w.File("kamailio.cfg", kamailioConfig)
	if err != nil {
		return nil, err
	}
	args := []string{"-DD", "-E", "-x", "fm", "-m", "512", "-f", path, "-Y", w.Dir}
	for _, d := range define {
		args = append(args, "-A", d)
	}
	p, err := w.Middle.Start(netns.Command{Path: "kamailio", Args: args})
	if err != nil {
		return nil, err
	}
	return p, world.Serves(w.Middle, p, false, sip(world.Outside), sip(world.Inside))
}

// startWithRelay starts a fresh rtpengine, in user space, and Kamailio.
func startWithRelay(w *world.World, _ options) ([]*netns.Process, error) {
	control := netip.MustParseAddrPort("127.0.0.1:2223")
	relay, err := w.Middle.Start(netns.Command{Path: "rtpengine", Args: []string{
		"--foreground", "--log-stderr", "--log-level=2", "--table=-1", "--listen-ng=" + control.String(),
		"--interface=lan/" + world.Inside.String(), "--interface=itsp/" + world.Outside.String(),
		"--port-min=20000", "--port-max=59999", "--pidfile=" + filepath.Join(w.Dir, "rtpengine.pid"),
	}})
	if err != nil {
		return nil, err
	}
	if err := world.Serves(w.Middle, relay, false, control); err != nil {
		return nil, err
	}
	p, err := startKamailio(w, "WITH_RELAY")
	return []*netns.Process{p, relay}, err
}
