package smpp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/linxGnu/gosmpp/pdu"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// command is a command_id (section 5.1.2.1).
type command uint32

const (
	genericNack    = command(0x80000000)
	submitSMResp   = command(0x80000004)
	deliverSM      = command(0x00000005)
	deliverSMResp  = command(0x80000005)
	unbind         = command(0x00000006)
	unbindResp     = command(0x80000006)
	cancelSMResp   = command(0x80000008)
	bindResp       = command(0x80000009) // of a transceiver
	enquireLink    = command(0x00000015)
	enquireResp    = command(0x80000015)
	responseBit    = command(0x80000000)
	headerLength   = 16
	longestPDU     = headerLength + 4096 + 1<<16 // a message_payload is at most 64 kB
	longestSeq     = 0x7fffffff                  // section 3.2
	tagPayload     = 0x0424
	tagReceipted   = 0x001e
	tagState       = 0x0427
	tagReference   = 0x0204
	tagInformation = 0x001d // additional_status_info_text
)

// frame is a PDU as read: the header taken apart, the body in bytes.
type frame struct {
	command  command
	status   status
	sequence uint32
	body     []byte
}

// errNotSMPP: the length of what follows is impossible, so nothing after it can be read.
var errNotSMPP = errors.New("what came is not SMPP")

// readFrame reads one PDU. It holds at most longestPDU bytes. Its error is that of r, or
// errNotSMPP; with io.EOF nothing of a PDU had come.
func readFrame(r io.Reader) (frame, error) {
	var head [headerLength]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	f := frame{
		command:  command(binary.BigEndian.Uint32(head[4:])),
		status:   status(binary.BigEndian.Uint32(head[8:])),
		sequence: binary.BigEndian.Uint32(head[12:]),
	}
	length := binary.BigEndian.Uint32(head[:])
	if length < headerLength || length > longestPDU {
		return f, errNotSMPP
	}
	f.body = make([]byte, length-headerLength)
	if _, err := io.ReadFull(r, f.body); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return frame{}, err
	}
	return f, nil
}

// encode writes a PDU with the codec, under a sequence number and a status. A panic of
// the codec is an error here.
func encode(p pdu.PDU, sequence uint32, s status) (b []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("smpp: the codec: %v", r)
		}
	}()
	p.SetSequenceNumber(int32(sequence))
	buffer := pdu.NewBuffer(nil)
	p.Marshal(buffer)
	b = buffer.Bytes()
	binary.BigEndian.PutUint32(b[8:], uint32(s))
	return b, nil
}

// header is a PDU without a body.
func header(c command, sequence uint32, s status) []byte {
	b := make([]byte, 0, headerLength+1)
	b = binary.BigEndian.AppendUint32(b, headerLength)
	b = binary.BigEndian.AppendUint32(b, uint32(c))
	b = binary.BigEndian.AppendUint32(b, uint32(s))
	return binary.BigEndian.AppendUint32(b, sequence)
}

// deliverAnswer answers a deliver_sm; its message_id is unused and empty (section 4.6.2).
func deliverAnswer(sequence uint32, s status) []byte {
	b := append(header(deliverSMResp, sequence, s), 0)
	b[3]++
	return b
}

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

func (f *fields) address() address { return address{f.byte(), f.byte(), f.text()} }

// options reads the optional fields up to the end, or up to one that is not whole: what
// came before it counts. Of a tag that is there twice, the first counts.
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

// answer is the centre's answer to one of our PDUs.
type answer struct {
	status status
	id     string // of the message
	words  string // additional_status_info_text; may hold anything
}

// readAnswer reads a response whose body may hold a message id, optional fields, either
// or nothing at all: a refusal is often a header only.
func readAnswer(f frame) answer {
	a := answer{status: f.status}
	if f.command != submitSMResp || len(f.body) == 0 {
		return a
	}
	body := fields{rest: f.body}
	if f.status == statusOK && bytes.IndexByte(f.body, 0) < 0 {
		// The end of the id is missing, and nothing else can be meant.
		a.id = sms.OneLine(string(f.body), 100)
		return a
	}
	a.id = sms.OneLine(body.text(), 100)
	a.words = sms.OneLine(string(bytes.TrimRight(body.options()[tagInformation], "\x00")), 150)
	return a
}
