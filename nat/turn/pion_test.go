package turn

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pion/stun/v2"
	pion "github.com/pion/turn/v3"
)

var roles = map[string]func() int{
	"serve": func() int {
		if err := Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	},
	"unguarded": unguarded,
}

// unguarded serves with the library alone, and says where.
func unguarded() int {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	_, err = pion.NewServer(pion.ServerConfig{
		Realm: "test.example",
		AuthHandler: func(user, realm string, _ net.Addr) ([]byte, bool) {
			return pion.GenerateAuthKey(user, realm, "password"), true
		},
		PacketConnConfigs: []pion.PacketConnConfig{{
			PacketConn:            conn,
			RelayAddressGenerator: &pion.RelayAddressGeneratorStatic{RelayAddress: net.IPv4(127, 0, 0, 1), Address: "127.0.0.1"},
		}},
		LoggerFactory: silence{},
	})
	if err != nil {
		return 1
	}
	fmt.Println(conn.LocalAddr())
	os.Stdin.Read(make([]byte, 1))
	return 0
}

// emptyPeer is a Send indication of 32 octets: DATA of 4, and an
// XOR-PEER-ADDRESS of none.
func emptyPeer() []byte {
	b := append([]byte{0, 0x16, 0, 12, 0x21, 0x12, 0xA4, 0x42}, octets(12)...)
	return append(b, 0, 0x13, 0, 4, 'd', 'a', 't', 'a', 0, 0x12, 0, 0)
}

// A Send indication with an XOR-PEER-ADDRESS of no octets ends the process that
// has the library alone, when an allocated client sends it.
func TestSendIndicationWithEmptyPeerUnguarded(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"=unguarded", "GOTRACEBACK=single")
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var where string
	if _, err := fmt.Fscanln(out, &where); err != nil {
		t.Fatal(err)
	}
	c := dial(t, "udp", netip.MustParseAddrPort(where), "alice", "password")
	c.allocate()
	c.write(emptyPeer())
	if err := cmd.Wait(); err == nil || !strings.Contains(said.String(), "slice bounds out of range") {
		t.Fatalf("the process ended with %v and said %q, want a panic: if the library is mended, the guard may be thinner", err, said.String())
	}
}

// The same before the service: dropped and counted, and all goes on.
func TestSendIndicationWithEmptyPeer(t *testing.T) {
	s := open(t, options(41100))
	for _, network := range []string{"udp", "tcp"} {
		c := dial(t, network, s.at(network), "alice", "password")
		c.allocate()
		before := s.refused(Malformed)
		c.write(emptyPeer())
		eventually(t, "the indication is counted", func() bool { return s.refused(Malformed) == before+1 })
	}
	c := dial(t, "udp", s.at("udp"), "bob", "pass:word")
	c.allocate()
	c.want(200, c.do(stun.MethodRefresh, seconds(0)))
}
