package turn

import (
	"bytes"
	"context"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"sbc/lab/netns"
)

// coturn's client allocates, binds channels or sends indications, and gets
// back what it sent, over UDP and TCP.
func TestCoturnClient(t *testing.T) {
	const tool = "turnutils_uclient"
	netns.Require(t, tool)
	echo := newFriend(t, "127.0.0.2:0")
	done := make(chan struct{})
	t.Cleanup(func() {
		echo.Close()
		<-done
	})
	go func() {
		defer close(done)
		echo.echo()
	}()
	cases := []struct {
		name string
		args []string
	}{
		{"channel over UDP", []string{"-u", "alice", "-w", "password"}},
		{"Send over UDP", []string{"-s", "-u", "alice", "-w", "password"}},
		{"channel over TCP", []string{"-t", "-u", "alice", "-w", "password"}},
		{"Send over TCP", []string{"-t", "-s", "-u", "alice", "-w", "password"}},
		{"time-limited", []string{"-u", "carol", "-W", secret}},
		{"padded channel", []string{"-D", "-u", "alice", "-w", "password"}},
		{"many clients", []string{"-m", "4", "-u", "alice", "-w", "password"}},
		{"client to client", []string{"-y", "-u", "alice", "-w", "password"}},
	}
	var runs []*coturn
	for i, c := range cases { // all at once: it waits most of its time
		o := options(41700 + 100*uint16(i))
		o.Quota.PerUser, o.Quota.PerAddress = 50, 50 // it leaves its allocations to their end
		r := &coturn{s: open(t, o)}
		to := r.s.at("udp")
		if c.args[0] == "-t" {
			to = r.s.at("tcp")
		}
		args := append([]string{"-c", "-n", "20", "-l", "171", "-z", "5", "-p", itoa(to.Port()),
			"-e", echo.at().Addr().String(), "-r", itoa(echo.at().Port())}, c.args...)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		t.Cleanup(cancel)
		r.cmd = exec.CommandContext(ctx, tool, append(args, to.Addr().String())...)
		r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
		if err := r.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		runs = append(runs, r)
	}
	for i, c := range cases {
		t.Run(c.name, runs[i].check)
	}
}

// A coturn is one run of coturn's client on a service of its own.
type coturn struct {
	s   *Server
	cmd *exec.Cmd
	out bytes.Buffer
}

func (r *coturn) check(t *testing.T) {
	err := r.cmd.Wait()
	if err != nil || !nothingLost.Match(r.out.Bytes()) {
		t.Errorf("%v: %v\n%s", r.cmd, err, r.out.String())
	}
	if n := r.s.Counts(); n.OctetsToPeers != n.OctetsToClients || n.OctetsToPeers < 20*171 {
		t.Errorf("counted %+v, want as many octets there as back", n)
	}
}

var nothingLost = regexp.MustCompile(`Total lost packets 0 \(0\.0+%\)`)

func (f friend) echo() {
	b := make([]byte, 2048)
	for {
		n, from, err := f.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		f.WriteToUDPAddrPort(b[:n], from)
	}
}
