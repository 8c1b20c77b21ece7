package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sbc/config"
	"sbc/console"
	"sbc/lab/netns"
	"sbc/lab/ua"
	"sbc/lab/ua/live"
	"sbc/signaling"
)

// A world is a PBX, an ITSP, and the border between them.
type world struct {
	dir     string // of the configuration and the socket
	socket  string
	spaces  []*netns.Space // nil on loopback
	border  process
	client  *console.Client
	pbx     *side
	itsp    *side
	present bool // namespaces were made
}

// A side is one of the two networks.
type side struct {
	name   string         // as a reader knows it
	peer   string         // in the configuration
	addr   netip.Addr     // of the PBX, or of the ITSP
	border netip.AddrPort // where the border listens
	canary ua.Canary      // what names this side
	phone  *live.Phone
	cable  *netns.Capture // nil on loopback
}

// A process is the running border.
type process interface {
	Output() string
	Done() <-chan struct{}
	Wait(context.Context) error
	Signal(syscall.Signal)
	Kill()
}

// build starts everything. The caller must close the world.
func build(o Options) (*world, error) {
	dir, err := os.MkdirTemp("", "sbc-demo-")
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir, socket: filepath.Join(dir, "sbc.sock")}
	w.client = console.NewClient(w.socket)
	if err := w.populate(o); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) populate(o Options) error {
	text := string(o.Example)
	if !o.Local {
		w.present = w.makeSpaces() == nil
	}
	if !w.present {
		text = toLoopback(text)
	}
	if err := w.readExample(text); err != nil {
		return err
	}
	if w.present {
		if err := w.lay(); err != nil {
			return err
		}
	}
	file := filepath.Join(w.dir, "sbc.hcl")
	text += fmt.Sprintf("\nstore { path = %q }\n", filepath.Join(w.dir, "state.db")) // what it keeps goes with it
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	for _, s := range []*side{w.pbx, w.itsp} {
		if err := w.connect(s); err != nil {
			return err
		}
	}
	return w.startBorder(o.Program, file)
}

// readExample learns from the configuration where everybody is.
func (w *world) readExample(text string) error {
	cfg, err := config.Parse("sbc.hcl.example", []byte(text))
	if err != nil {
		return fmt.Errorf("the example configuration: %w", err)
	}
	w.pbx = &side{name: "PBX", peer: "pbx", canary: ua.Canary{Word: "officelan", Inner: netip.MustParseAddr("10.99.7.33")}}
	w.itsp = &side{name: "ITSP", peer: "itsp", canary: ua.Canary{Word: "carriercore", Inner: netip.MustParseAddr("172.29.81.5")}}
	for _, s := range []*side{w.pbx, w.itsp} {
		for _, p := range cfg.Policy.Peers {
			if p.Name == s.peer {
				s.addr, s.border = p.Target.Addr, cfg.Realms[p.Realm].Listen[0].Addr
			}
		}
		if !s.addr.IsValid() {
			return fmt.Errorf("the example configuration has no peer %q with an address", s.peer)
		}
		s.canary.Own = []netip.Addr{s.addr, s.border.Addr()}
	}
	return nil
}

// toLoopback moves the networks of the example to 127.0.0.0/8, and what is on
// loopback already to where no other program is.
func toLoopback(text string) string {
	return strings.NewReplacer("127.0.0.1:", "127.51.100.2:", "198.51.100.", "127.51.100.", "192.168.1.", "127.168.1.").Replace(text)
}

// Numbers of media ports and seeds of voices of the two sides.
const (
	mediaPort = 30000
	pbxVoice  = 1
	itspVoice = 2
)

// connect plugs the phone of a side in.
func (w *world) connect(s *side) error {
	own, other, user := uint64(pbxVoice), uint64(itspVoice), extension
	if s == w.itsp {
		own, other, user = itspVoice, pbxVoice, subscriber
	}
	o := live.Options{
		Agent: ua.Options{
			User: user, Addr: netip.AddrPortFrom(s.addr, 5060), Peer: s.border, Canary: s.canary,
			MediaPort: mediaPort, Voice: own, Hear: other, Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		},
		React: pickUp,
		Listen: func(at netip.AddrPort) (*net.UDPConn, error) {
			if space := w.spaceOf(s); space != nil {
				return space.ListenUDP(at)
			}
			return net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
		},
	}
	phone, err := live.Start(o)
	s.phone = phone
	return err
}

// pickUp rings and answers what comes in.
func pickUp(a *ua.Agent, e ua.Event, do []ua.Effect) []ua.Effect {
	if e.Is == ua.Incoming {
		do = a.Ring(e.At, e.Call, 180, do)
		do = a.Answer(e.At, e.Call, do)
	}
	return do
}

// startBorder runs the program under test.
func (w *world) startBorder(program, file string) (err error) {
	args := []string{"run", "--socket", w.socket, file}
	if w.present {
		w.border, err = w.spaces[middle].Start(netns.Command{Path: program, Args: args})
	} else {
		w.border, err = startChild(program, args)
	}
	return err
}

// await waits until the border serves.
func (w *world) await(ctx context.Context) error {
	for {
		if _, err := w.client.Status(ctx); err == nil {
			return nil
		}
		select {
		case <-w.border.Done():
			return errors.New("the border ended at once")
		case <-ctx.Done():
			return fmt.Errorf("the border does not serve: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// quiet waits until the border holds no call, and returns its status.
func (w *world) quiet(ctx context.Context) (signaling.Status, error) {
	for {
		st, err := w.client.Status(ctx)
		if err != nil || st.Calls == 0 {
			return st, err
		}
		if !wait(ctx, 50*time.Millisecond) {
			return st, fmt.Errorf("%d calls did not end: %w", st.Calls, ctx.Err())
		}
	}
}

// Ours: longer than the border gives itself.
const stopTime = 15 * time.Second

// stop ends the border as a service manager does.
func (w *world) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	w.border.Signal(syscall.SIGTERM)
	return w.border.Wait(ctx)
}

// close takes everything down.
func (w *world) close() {
	if w.border != nil {
		w.border.Kill()
	}
	for _, s := range []*side{w.pbx, w.itsp} {
		if s != nil && s.phone != nil {
			s.phone.Close()
		}
		if s != nil && s.cable != nil {
			s.cable.Close()
		}
	}
	for _, s := range w.spaces {
		s.Close()
	}
	_ = os.RemoveAll(w.dir) // in the directory for temporary files; nothing depends on it
}
