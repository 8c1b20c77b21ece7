// Package ladder reads, compares and prints the text files that tests are
// written in, and draws the ladder of a call.
//
// A .ladder file is a story: a line that starts in the first column is done,
// the indented lines below it are what happened, each with its virtual time.
//
//	# RFC 3261 section 17.2.1: a final response is sent again until the ACK comes.
//	respond 486
//	        0s  ◀── 486
//	wait 3s
//	     500ms  ◀── 486
//	      1.5s  ◀── 486
//
// A .case file is a comment and named texts, "-- in --", "-- out --": what
// goes into a function and what must come out of it.
//
// Run plays a .ladder file, ReadCase reads a .case file, Diff says how two
// texts differ, Names gives a name to text that is another one in each run,
// and a Chart is the ladder of one call for people. The package knows no SIP,
// opens no file and reads no clock.
package ladder
