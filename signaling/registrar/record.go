package registrar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"sbc/nat"
)

// recordVersion begins every record. A reader takes no other. Within a version
// fields may be added: a reader passes over those that it does not know.
const recordVersion = 1

// The fields of a record: an octet that names it, its length as an unsigned
// varint, its value. Numbers are big-endian without leading zeros.
const (
	recordSerial    byte = iota + 1
	recordEndpoints      // name
	recordAOR
	recordText
	recordURIBytes
	recordPath
	recordRoute
	recordListener // name
	recordRemote
	recordConn
	recordPrint
	recordCallID
	recordCSeq
	recordMade  // Unix time in ms, as all times here
	recordThere //
	recordGranted
	recordRefresh // ms
	recordFlags
	recordKind
	recordCreds
	recordFields // how many are known
)

const (
	flagOutbound = 1 << iota
	flagStale
)

// appendRecord appends all of b that must outlive the process.
func (r *Registrar) appendRecord(dst []byte, b *binding) []byte {
	flags := uint64(0)
	if b.outbound {
		flags |= flagOutbound
	}
	if b.stale {
		flags |= flagStale
	}
	dst = append(dst, recordVersion)
	dst = appendNumber(dst, recordSerial, b.serial)
	dst = appendText(dst, recordEndpoints, r.opt.Endpoints[b.aor.ep].Name)
	dst = appendText(dst, recordAOR, b.aor.name())
	dst = appendText(dst, recordText, b.text)
	dst = appendNumber(dst, recordURIBytes, uint64(b.uriBytes))
	dst = appendText(dst, recordPath, b.path)
	dst = appendText(dst, recordRoute, b.route)
	dst = appendText(dst, recordListener, r.listener(b.flow.Listener))
	if remote, err := b.flow.Remote.MarshalBinary(); err == nil {
		dst = appendText(dst, recordRemote, string(remote))
	}
	dst = appendNumber(dst, recordPrint, b.print)
	dst = appendNumber(dst, recordCallID, b.callID)
	dst = appendNumber(dst, recordCSeq, uint64(b.cseq))
	dst = appendNumber(dst, recordMade, r.unix(b.made))
	dst = appendNumber(dst, recordThere, r.unix(b.there))
	dst = appendNumber(dst, recordGranted, uint64(b.granted.Milliseconds()))
	dst = appendNumber(dst, recordRefresh, uint64(b.refresh.Milliseconds()))
	dst = appendNumber(dst, recordFlags, flags)
	dst = appendNumber(dst, recordKind, uint64(b.kind))
	return appendNumber(dst, recordCreds, b.creds)
}

func appendText(dst []byte, id byte, s string) []byte {
	if s == "" {
		return dst
	}
	return append(binary.AppendUvarint(append(dst, id), uint64(len(s))), s...)
}

func appendNumber(dst []byte, id byte, n uint64) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	i := 0
	for i < 8 && b[i] == 0 {
		i++
	}
	if i == 8 {
		return dst
	}
	return append(append(dst, id, byte(8-i)), b[i:]...)
}

func (r *Registrar) unix(at time.Duration) uint64 {
	return uint64(max(r.epoch.Add(at).UnixMilli(), 0))
}

// A record is one as it was read.
type record struct {
	b         binding
	endpoints string
	aor       string
	listener  string
	there     int64
	made      int64
}

// Errors of Restore.
var (
	errVersion = errors.New("registrar: a record of a version that this program does not know")
	errRecord  = errors.New("registrar: a record that cannot be read")
)

func decode(data []byte) (rec record, err error) {
	if len(data) == 0 || data[0] != recordVersion {
		return rec, errVersion
	}
	for data = data[1:]; len(data) > 0; {
		id := data[0]
		n, used := binary.Uvarint(data[1:])
		if used <= 0 || n > uint64(len(data)-1-used) {
			return rec, errRecord
		}
		value := data[1+used:][:n]
		data = data[1+used+int(n):]
		if !rec.set(id, value) {
			return rec, fmt.Errorf("%w: field %d", errRecord, id)
		}
	}
	b := &rec.b
	if b.serial == 0 || rec.endpoints == "" || rec.aor == "" || int(b.uriBytes)+2 > len(b.text) || b.uriBytes == 0 ||
		b.text[0] != '<' || b.text[b.uriBytes+1] != '>' || len(rec.aor) > 2*aorBytesMax {
		return rec, errRecord
	}
	return rec, nil
}

// set writes one field; false if its value cannot be.
func (rec *record) set(id byte, value []byte) bool {
	b := &rec.b
	switch id {
	case recordEndpoints:
		rec.endpoints = string(value)
	case recordAOR:
		rec.aor = string(value)
	case recordText:
		b.text = string(value)
	case recordPath:
		b.path = string(value)
	case recordRoute:
		b.route = string(value)
	case recordListener:
		rec.listener = string(value)
	case recordRemote:
		var remote netip.AddrPort
		if remote.UnmarshalBinary(value) != nil || remote.Addr().Zone() != "" {
			return false
		}
		b.flow.Remote = remote
	default:
		return rec.setNumber(id, value)
	}
	return true
}

func (rec *record) setNumber(id byte, value []byte) bool {
	b, n := &rec.b, uint64(0)
	if id >= recordFields {
		return true
	}
	if len(value) > 8 {
		return false
	}
	for _, c := range value {
		n = n<<8 | uint64(c)
	}
	most := uint64(math.MaxUint64)
	switch id {
	case recordSerial:
		b.serial = n
	case recordURIBytes:
		b.uriBytes, most = uint16(n), math.MaxUint16
	case recordPrint:
		b.print = n
	case recordCallID:
		b.callID = n
	case recordCSeq:
		b.cseq, most = uint32(n), math.MaxUint32
	case recordMade:
		rec.made, most = int64(n), 1<<50
	case recordThere:
		rec.there, most = int64(n), 1<<50
	case recordGranted:
		b.granted, most = time.Duration(n)*time.Millisecond, expiresMax*1000
	case recordRefresh:
		b.refresh, most = time.Duration(n)*time.Millisecond, expiresMax*1000
	case recordFlags:
		b.outbound, b.stale = n&flagOutbound != 0, n&flagStale != 0
	case recordKind:
		b.kind, most = nat.Kind(n), math.MaxUint8
	case recordCreds:
		b.creds = n
	}
	return n <= most
}

func (r *Registrar) listener(i uint16) string {
	if int(i) < len(r.opt.Listeners) {
		return r.opt.Listeners[i].Name
	}
	return ""
}

func (r *Registrar) stream(i uint16) bool {
	return int(i) < len(r.opt.Listeners) && r.opt.Listeners[i].Stream
}
