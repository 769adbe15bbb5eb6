package smpp

import (
	"fmt"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// status is a command_status (SMPP 3.4, section 5.1.3, table 5-2).
type status uint32

// Those that this package decides on or answers with.
const (
	statusOK             status = 0x00
	statusInvalidLength  status = 0x02 // ESME_RINVCMDLEN
	statusInvalidCommand status = 0x03 // ESME_RINVCMDID
	statusNotBound       status = 0x04 // ESME_RINVBNDSTS
	statusQueueFull      status = 0x14 // ESME_RMSGQFUL
	statusThrottled      status = 0x58 // ESME_RTHROTTLED
	statusTemporary      status = 0x64 // ESME_RX_T_APPN
	statusPermanent      status = 0x65 // ESME_RX_P_APPN
)

// outcome of a message that was answered with this status. A command_status other than
// 0 says that the request failed (section 3.2), so nothing was taken; only four say that
// the same message may be welcome later:
//
//	0x04 ESME_RINVBNDSTS  the centre does not take us for bound: after the next bind
//	0x14 ESME_RMSGQFUL    the queue of the centre, or of that telephone, is full
//	0x58 ESME_RTHROTTLED  more messages than we may send
//	0x64 ESME_RX_T_APPN   a temporary error of the application behind it
//
// Whatever else it is, ESME_RSYSERR included, is not tried again: its reason is not known
// to pass.
func (s status) outcome() sms.Outcome {
	switch s {
	case statusOK:
		return sms.Accepted
	case statusNotBound, statusQueueFull, statusThrottled, statusTemporary:
		return sms.Later
	}
	return sms.Refused
}

// slow tells whether the whole session is to pause.
func (s status) slow() bool { return s == statusThrottled || s == statusQueueFull }

// statusWords is table 5-2, as far as an operator meets it, with its names.
var statusWords = map[status]string{
	0x00: "accepted (ESME_ROK)",
	0x01: "the message's length is invalid (ESME_RINVMSGLEN)",
	0x02: "the command's length is invalid (ESME_RINVCMDLEN)",
	0x03: "the command is unknown there (ESME_RINVCMDID)",
	0x04: "the session is not bound for this (ESME_RINVBNDSTS)",
	0x05: "already bound: another program, or a session that the centre has not given up yet (ESME_RALYBND)",
	0x06: "the priority is invalid (ESME_RINVPRTFLG)",
	0x07: "the request for a receipt is invalid (ESME_RINVREGDLVFLG)",
	0x08: "system error of the centre (ESME_RSYSERR)",
	0x0a: "the sender is not allowed (ESME_RINVSRCADR)",
	0x0b: "the number is invalid there (ESME_RINVDSTADR)",
	0x0c: "the message id is unknown there (ESME_RINVMSGID)",
	0x0d: "the bind failed: wrong system id or password, or this machine's address is not allowed (ESME_RBINDFAIL)",
	0x0e: "wrong password (ESME_RINVPASWD)",
	0x0f: "wrong system id (ESME_RINVSYSID)",
	0x11: "it can no longer be cancelled (ESME_RCANCELFAIL)",
	0x14: "the queue is full (ESME_RMSGQFUL)",
	0x15: "the service type is invalid (ESME_RINVSERTYP)",
	0x43: "the message class is invalid (ESME_RINVESMCLASS)",
	0x45: "the submission failed (ESME_RSUBMITFAIL)",
	0x48: "the kind of sender is not allowed (ESME_RINVSRCTON)",
	0x49: "the sender's numbering plan is not allowed (ESME_RINVSRCNPI)",
	0x50: "the kind of number is not allowed (ESME_RINVDSTTON)",
	0x51: "the number's numbering plan is not allowed (ESME_RINVDSTNPI)",
	0x53: "wrong system type (ESME_RINVSYSTYP)",
	0x58: "too many messages for a moment (ESME_RTHROTTLED)",
	0x59: "not provisioned (ESME_RPROVNOTALLWD)",
	0x62: "the validity period is invalid (ESME_RINVEXPIRY)",
	0x64: "temporary error of the application (ESME_RX_T_APPN)",
	0x65: "permanent error of the application (ESME_RX_P_APPN)",
	0x66: "rejected by the application (ESME_RX_R_APPN)",
	0xc0: "the optional fields are in error (ESME_RINVOPTPARSTREAM)",
	0xc1: "an optional field is not allowed (ESME_ROPTPARNOTALLWD)",
	0xc2: "a field's length is invalid (ESME_RINVPARLEN)",
	0xc3: "an optional field is missing (ESME_RMISSINGOPTPARAM)",
	0xc4: "an optional field's value is invalid (ESME_RINVOPTPARAMVAL)",
	0xfe: "delivery failure (ESME_RDELIVERYFAILURE)",
	0xff: "unknown error (ESME_RUNKNOWNERR)",
}

// String gives the code and its words.
func (s status) String() string {
	if words, ok := statusWords[s]; ok {
		return fmt.Sprintf("0x%02x: %s", uint32(s), words)
	}
	if s >= 0x400 && s <= 0x4ff {
		return fmt.Sprintf("0x%02x: a code of this centre's own", uint32(s))
	}
	return fmt.Sprintf("0x%02x: a code that SMPP 3.4 does not have", uint32(s))
}
