// Package console is how an operator talks to the running SBC: a small HTTP
// API with JSON over a Unix socket, its client, and the reports as text.
//
//	GET    /status      signaling.Status
//	GET    /calls       []signaling.CallInfo
//	GET    /calls/ID    signaling.CallReport
//	DELETE /calls/ID    ends the call
//	GET    /trace       signaling.TraceEvent, one a line, as they happen
//
// What /trace shows is chosen by number, address, peer and method, each as
// often as one likes, and changes=1 (see signaling.TraceFilter).
//
// An answer other than 200 is {"error": "…"}. Who may open the socket may do
// all of this: its file mode is the only guard.
package console
