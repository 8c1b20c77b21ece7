package resolve

import (
	"context"
	"net"
	"testing"
)

// A connection that is made for a look-up that has ended is closed at once.
func TestLateConnectionIsClosed(t *testing.T) {
	var far net.Conn
	d := dialer{dial: func(context.Context, string, string) (near net.Conn, _ error) {
		near, far = net.Pipe()
		return near, nil
	}}
	d.begin()
	if _, err := d.open(context.Background(), "udp", "192.0.2.1:53"); err != nil {
		t.Fatal(err)
	}
	d.hangUp()
	if _, err := far.Read(make([]byte, 1)); err == nil {
		t.Error("hangUp left the connection open")
	}
	if conn, err := d.open(context.Background(), "udp", "192.0.2.1:53"); err == nil || conn != nil {
		t.Errorf("got %v, %v; want an error", conn, err)
	}
	if _, err := far.Read(make([]byte, 1)); err == nil {
		t.Error("the late connection is open")
	}
}
