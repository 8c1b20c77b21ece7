package e2e

import (
	"fmt"
	"hash/crc32"
	"strings"
	"text/template"
)

// bodies are what messages of scenarios carry beside session descriptions.
var bodies = template.FuncMap{
	"typed":   typed,
	"sipfrag": func(line string) string { return typed("message/sipfrag;version=2.0", line) },
	"lamp":    lamp,
	"waiting": waiting,
	"fax":     fax,
	"video":   video,
	"audio":   audio,
	"quote":   func(s string) string { return strings.ReplaceAll(s, ".", "[.]") },
}

func typed(kind, body string) string { return "Content-Type: " + kind + "\n\n" + body }

// lamp is what lights a busy lamp (RFC 4235), with a dialog of the host that
// tells of it.
func lamp(host, state string, version int) string {
	return typed("application/dialog-info+xml", fmt.Sprintf(`<?xml version="1.0"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="%[3]d" state="full" entity="sip:200@%[1]s">
<dialog id="d1" call-id="inner-4711@%[1]s" local-tag="innerlocal" remote-tag="innerremote" direction="recipient">
<state>%[2]s</state>
<local><identity display="Desk 200">sip:200@%[1]s</identity><target uri="sip:200@%[1]s:5070"/></local>
<remote><identity>sip:4930555@%[1]s</identity></remote>
</dialog>
</dialog-info>`, host, state, version))
}

// waiting is what lights the lamp of a mailbox (RFC 3842).
func waiting(host string) string {
	return typed("application/simple-message-summary",
		"Messages-Waiting: yes\nMessage-Account: sip:200@"+host+"\nVoice-Message: 4/8 (1/2)")
}

// fax is a session description for T.38 (RFC 3362).
func fax(port int) string {
	return origin("fax") + fmt.Sprintf(`
m=image %d udptl t38
a=T38FaxVersion:0
a=T38MaxBitRate:14400
a=T38FaxRateManagement:transferredTCF
a=T38FaxMaxDatagram:400
a=T38FaxUdpEC:t38UDPRedundancy`, port)
}

// video is a session description for audio and video; 0 is a line that is not
// wanted (RFC 3264 section 8.2).
func video(audioPort, videoPort int) string {
	return origin(fmt.Sprint("video", videoPort)) + fmt.Sprintf(`
m=audio %d RTP/AVP 0 8
a=sendrecv
m=video %d RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 profile-level-id=42e01f`, audioPort, videoPort)
}

// audio is a session description with a port of its own.
func audio(port int) string {
	return origin("audio") + fmt.Sprintf(`
m=audio %d RTP/AVP 0 8
a=sendrecv`, port)
}

// origin begins a session description. Its version follows from what it is for.
func origin(what string) string {
	return strings.Join([]string{
		"v=0",
		fmt.Sprintf("o=sipp 53655765 %d IN IP[media_ip_type] [media_ip]", crc32.ChecksumIEEE([]byte(what))),
		"s=-",
		"c=IN IP[media_ip_type] [media_ip]",
		"t=0 0",
	}, "\n")
}
