package smppserver

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/linxGnu/gosmpp/data"
)

// command is a command_id (section 5.1.2.1).
type command uint32

const (
	genericNack     = command(0x80000000)
	bindReceiver    = command(0x01)
	bindTransmitter = command(0x02)
	querySM         = command(0x03)
	submitSM        = command(0x04)
	deliverSM       = command(0x05)
	unbind          = command(0x06)
	bindTransceiver = command(0x09)
	enquireLink     = command(0x15)
	response        = command(0x80000000)

	headerLength = 16
	longestPDU   = 8 << 10 // a message of ours has 1,530 characters at most
	longestBind  = 256     // before the password
)

// Status is a command_status (section 5.1.3).
type Status uint32

// Statuses that are answered.
const (
	OK                   Status = 0x00
	InvalidLength        Status = 0x01 // ESME_RINVMSGLEN
	InvalidCommandLength Status = 0x02 // ESME_RINVCMDLEN
	InvalidCommand       Status = 0x03 // ESME_RINVCMDID
	InvalidBindStatus    Status = 0x04 // ESME_RINVBNDSTS
	AlreadyBound         Status = 0x05 // ESME_RALYBND
	InvalidDestination   Status = 0x0b // ESME_RINVDSTADR
	BindFailed           Status = 0x0d // ESME_RBINDFAIL
	QueueFull            Status = 0x14 // ESME_RMSGQFUL: not kept, to be tried again
	InvalidClass         Status = 0x43 // ESME_RINVESMCLASS
	SubmitFailed         Status = 0x45 // ESME_RSUBMITFAIL
	InvalidSchedule      Status = 0x61 // ESME_RINVSCHED
	InvalidExpiry        Status = 0x62 // ESME_RINVEXPIRY
	QueryFailed          Status = 0x67 // ESME_RQUERYFAIL
)

const (
	tagPayload   = 0x0424
	tagReceipted = 0x001e
	tagState     = 0x0427
	tagSARRef    = 0x020c
	tagSARTotal  = 0x020e
	tagSARPart   = 0x020f
)

// frame is a PDU as read: the header taken apart, the body in bytes.
type frame struct {
	command  command
	status   Status
	sequence uint32
	body     []byte
}

var errLength = errors.New("a length that cannot be")

// readFrame reads one PDU; before anybody signed in, a short one.
func readFrame(r io.Reader, bound bool) (frame, error) {
	var head [headerLength]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	f := frame{command: command(binary.BigEndian.Uint32(head[4:])), status: Status(binary.BigEndian.Uint32(head[8:])), sequence: binary.BigEndian.Uint32(head[12:])}
	most := uint32(longestBind)
	if bound {
		most = longestPDU
	}
	length := binary.BigEndian.Uint32(head[:])
	if length < headerLength || length > most {
		return f, errLength
	}
	f.body = make([]byte, length-headerLength)
	_, err := io.ReadFull(r, f.body)
	return f, err
}

// header is a PDU without a body.
func header(c command, sequence uint32, s Status) []byte { return withBody(c, sequence, s, nil) }

func withBody(c command, sequence uint32, s Status, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, headerLength+len(body)), uint32(headerLength+len(body)))
	b = binary.BigEndian.AppendUint32(b, uint32(c))
	b = binary.BigEndian.AppendUint32(b, uint32(s))
	b = binary.BigEndian.AppendUint32(b, sequence)
	return append(b, body...)
}

func cstring(s string) []byte { return append([]byte(s), 0) }

// fields takes a body apart. After the first field that is not whole, all are zero and
// short is true.
type fields struct {
	rest  []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if n > len(f.rest) {
		f.rest, f.short = nil, true
		return nil
	}
	taken := f.rest[:n]
	f.rest = f.rest[n:]
	return taken
}

func (f *fields) byte() byte {
	if b := f.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fields) text() string {
	end := bytes.IndexByte(f.rest, 0)
	if end < 0 {
		f.rest, f.short = nil, true
		return ""
	}
	return string(f.take(end + 1)[:end])
}

// options reads the optional fields up to the end, or up to one that is not whole.
func (f *fields) options() map[uint16][]byte {
	all := map[uint16][]byte{}
	for len(f.rest) >= 4 {
		tag, length := binary.BigEndian.Uint16(f.rest), int(binary.BigEndian.Uint16(f.rest[2:]))
		f.take(4)
		value := f.take(length)
		if f.short {
			break
		}
		if _, twice := all[tag]; !twice {
			all[tag] = value
		}
	}
	return all
}

// readSubmit reads the body of a submit_sm (section 4.4.1), or says why it is refused.
func readSubmit(body []byte, latin1 bool, now time.Time) (Message, Status) {
	f := fields{rest: body}
	var m Message
	f.text() // service_type
	f.take(2)
	m.From = f.text()
	ton := f.byte()
	f.byte() // npi
	m.To = f.text()
	class := f.byte()
	f.take(2) // protocol_id, priority_flag
	schedule, validity := f.text(), f.text()
	m.Receipt = f.byte()&0x03 != 0
	f.byte() // replace_if_present_flag
	coding := f.byte()
	f.byte() // sm_default_msg_id
	raw := f.take(int(f.byte()))
	if f.short {
		return Message{}, InvalidLength
	}
	options := f.options()
	if payload := options[tagPayload]; len(raw) == 0 {
		raw = payload
	}
	if schedule != "" {
		return Message{}, InvalidSchedule // nothing is kept for another day
	}
	if class&0x3c != 0 {
		return Message{}, InvalidClass // it is no message to a telephone
	}
	if strings.Trim(m.To, "+0 ") == "" {
		return Message{}, InvalidDestination
	}
	if ton == 1 && !strings.HasPrefix(m.To, "+") {
		m.To = "+" + strings.TrimPrefix(m.To, "00")
	}
	var status Status
	if m.Life, status = life(validity, now); status != OK {
		return Message{}, status
	}
	if class&0x40 != 0 {
		if m.Part, raw, status = readHeader(raw); status != OK {
			return Message{}, status
		}
	} else if total := options[tagSARTotal]; len(total) == 1 && total[0] > 1 {
		ref, n := options[tagSARRef], options[tagSARPart]
		if len(ref) != 2 || len(n) != 1 {
			return Message{}, SubmitFailed
		}
		m.Part = Part{Ref: int(binary.BigEndian.Uint16(ref)), Total: int(total[0]), N: int(n[0])}
	}
	if m.Text, status = decode(raw, coding, latin1); status != OK {
		return Message{}, status
	}
	return m, OK
}

// readHeader reads the header of a message in parts. One that speaks of something else, a
// port or a picture, is refused: nobody of the office could read it.
func readHeader(raw []byte) (Part, []byte, Status) {
	if len(raw) == 0 || int(raw[0])+1 > len(raw) {
		return Part{}, nil, SubmitFailed
	}
	head, rest := raw[1:1+int(raw[0])], raw[1+int(raw[0]):]
	var p Part
	for len(head) > 0 {
		if len(head) < 2 || 2+int(head[1]) > len(head) {
			return Part{}, nil, SubmitFailed
		}
		id, value := head[0], head[2:2+int(head[1])]
		head = head[2+int(head[1]):]
		switch {
		case id == 0x00 && len(value) == 3:
			p = Part{Ref: int(value[0]), Total: int(value[1]), N: int(value[2])}
		case id == 0x08 && len(value) == 4:
			// Apart from the references of 8 bits.
			p = Part{Ref: 1<<8 + int(binary.BigEndian.Uint16(value)), Total: int(value[2]), N: int(value[3])}
		default:
			return Part{}, nil, SubmitFailed
		}
	}
	if p.Total <= 1 {
		p = Part{}
	}
	return p, rest, OK
}

// decode reads a text as its data_coding says (section 5.2.19). What is no text is
// refused: what cannot be shown is not sent.
func decode(raw []byte, coding byte, latin1 bool) (string, Status) {
	switch {
	case coding == 0x08 || coding&0xec == 0x08 && coding < 0x40:
		if len(raw)%2 != 0 {
			return "", InvalidLength
		}
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(raw[2*i:])
		}
		return string(utf16.Decode(units)), OK
	case coding == 0x03 || coding == 0 && latin1:
		latin := make([]rune, len(raw))
		for i, b := range raw {
			latin[i] = rune(b)
		}
		return string(latin), OK
	case coding == 0x01 || coding == 0 || coding&0xfc == 0xf0 || coding&0xec == 0 && coding < 0x40:
		if coding == 0x01 { // IA5 is ASCII, in which the telephones' alphabet differs
			for _, b := range raw {
				if b >= 0x80 {
					return "", SubmitFailed
				}
			}
			return string(raw), OK
		}
		text, err := data.GSM7BIT.Decode(raw)
		if err != nil {
			return "", SubmitFailed
		}
		return text, OK
	}
	return "", SubmitFailed
}

// life reads a relative validity_period, YYMMDDhhmmss000R; an absolute one has the form
// YYMMDDhhmmsstnnp (section 7.1.1).
func life(s string, now time.Time) (time.Duration, Status) {
	if s == "" {
		return 0, OK
	}
	if len(s) != 16 || strings.ContainsFunc(s[:15], func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, InvalidExpiry
	}
	var n [6]int
	for i := range n {
		n[i], _ = strconv.Atoi(s[2*i : 2*i+2])
	}
	switch s[15] {
	case 'R':
		days := n[0]*365 + n[1]*30 + n[2]
		return time.Duration(days)*24*time.Hour + time.Duration(n[3])*time.Hour + time.Duration(n[4])*time.Minute + time.Duration(n[5])*time.Second, OK
	case '+', '-':
		quarters, _ := strconv.Atoi(s[13:15])
		offset := time.Duration(quarters) * 15 * time.Minute
		if s[15] == '-' {
			offset = -offset
		}
		at := time.Date(2000+n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC).Add(-offset)
		if left := at.Sub(now); left > 0 {
			return left, OK
		}
	}
	return 0, InvalidExpiry
}

// receiptBody is the body of a deliver_sm that tells what became of a message (appendix B).
func receiptBody(r Receipt) []byte {
	stat, done, fault := stats[r.State], "000", "000"
	if r.State == Delivered {
		done = "001"
	} else if r.State != Accepted && r.State != Enroute {
		fault = "001"
	}
	text := fmt.Sprintf("id:%s sub:001 dlvrd:%s submit date:%s done date:%s stat:%s err:%s text:", r.ID, done, r.Submitted.UTC().Format("0601021504"), r.Done.UTC().Format("0601021504"), stat, fault)
	b := cstring("") // service_type
	b = append(b, 1, 1)
	b = append(b, cstring(strings.TrimPrefix(r.From, "+"))...)
	b = append(b, 0, 0)
	b = append(b, cstring(r.To)...)
	b = append(b, 0x04, 0, 0) // a receipt
	b = append(b, 0, 0)       // schedule_delivery_time, validity_period
	b = append(b, 0, 0, 0, 0, byte(len(text)))
	b = append(b, text...)
	option := func(tag uint16, value []byte) {
		b = binary.BigEndian.AppendUint16(b, tag)
		b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
		b = append(b, value...)
	}
	option(tagReceipted, cstring(r.ID))
	option(tagState, []byte{byte(r.State)})
	return b
}

// finalDate is when a message reached its last state, as query_sm_resp writes it.
func finalDate(r Receipt) string {
	if r.Done.IsZero() {
		return ""
	}
	return r.Done.UTC().Format("060102150405") + "000+"
}
