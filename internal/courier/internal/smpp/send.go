package smpp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

const (
	lookLasts  = 2 * time.Second // a last look that is older holds nothing any more
	mostAgain  = 3               // further attempts for a part after the first that the centre has no room for
	shortest   = time.Minute     // validity period: many centres keep nothing for less
	longest    = 7 * 24 * time.Hour
	mostLength = 255 // parts
)

// Send makes one attempt to hand a message to the centre: part by part, each after the
// answer to the one before. It waits for a place in the window at most Timeouts.Room.
//
// before is asked once a part, with the place taken, just before the part is written.
// What it says is left becomes the validity period, so that the centre drops what it
// cannot deliver in time.
//
// A part after the first that is throttled is tried again a few times: the centre said
// that it did not take it, and half a message helps nobody. When a message is broken off
// after a part of it was accepted, or may have been, it is [sms.Unsure].
//
// When ctx ends, the answer is no longer waited for: NotWritten before the first byte,
// Unsure from then on.
func (s *Session) Send(ctx context.Context, m sms.Message, before sms.Before) sms.Result {
	if before == nil {
		return kept(sms.NotWritten, errors.New("no last look given"))
	}
	parts, err := s.encode(m)
	if err != nil {
		// It will not get better: what refuses is we ourselves, before asking anybody.
		return kept(sms.Refused, err)
	}
	if err := s.begin(); err != nil {
		return kept(sms.NotWritten, err)
	}
	defer s.end()

	var ids []string
	for i, p := range parts {
		sofar, last := ids, i == len(parts)-1
		heard := s.sendPart(ctx, p, i == 0, before, func(a answer) {
			r := together(sofar, i, len(parts), heardOf(a))
			if whole := r.Outcome != sms.Accepted || last; s.config.Late != nil && whole && r.Outcome != sms.Unsure {
				s.config.Late(m.Letter, r)
			}
		})
		if heard.Outcome != sms.Accepted || last {
			return together(ids, i, len(parts), heard)
		}
		ids = append(ids, heard.Parts...)
	}
	return kept(sms.Unsure, errors.New("no part")) // Split gives one at least
}

// together is what is known of a message after its part i, counted from 0, with the ids
// of those before it, which were accepted.
func together(ids []string, i, n int, heard sms.Result) sms.Result {
	heard.Parts = append(ids[:len(ids):len(ids)], heard.Parts...)
	if i > 0 && heard.Outcome != sms.Accepted {
		heard.Outcome = sms.Unsure
		heard.Err = fmt.Errorf("part %d of %d: %w", i+1, n, heard.Err)
	}
	return heard
}

// sendPart sends one part, whose PDU is made by p. late is given an answer that comes
// after it returned.
func (s *Session) sendPart(ctx context.Context, p part, first bool, before sms.Before, late func(answer)) sms.Result {
	var deadline time.Time // of the message, known after the last look
	wait := s.config.Timeouts.Room
	if !first {
		wait = s.config.Timeouts.Answer
	}
	for again := 0; ; again++ {
		if again > 0 {
			wait = min(s.config.Timeouts.Answer, time.Until(deadline))
		}
		l, sequence, r, err := s.place(ctx, wait, first)
		if err != nil {
			return failed(sms.NotWritten, err)
		}
		if again == 0 {
			left, err := before()
			if err == nil && left <= 0 {
				err = errors.New("no time is left")
			}
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				l.forget(sequence)
				return kept(sms.NotWritten, fmt.Errorf("held back by the last look: %w", err))
			}
			deadline = time.Now().Add(left)
		}
		b, err := encode(p(time.Until(deadline)), sequence, statusOK)
		if err != nil {
			l.forget(sequence)
			return kept(sms.NotWritten, err)
		}
		if unwritten, err := l.writeSoon(b, lookLasts); err != nil {
			l.forget(sequence)
			if unwritten {
				return failed(sms.NotWritten, err)
			}
			return failed(sms.Unsure, fmt.Errorf("%w: %w", errHalf, err))
		}
		a, ok, err := l.await(ctx, r, s.config.Timeouts.Answer, late)
		if !ok {
			l.hangUpWhenHoarse()
			return failed(sms.Unsure, err)
		}
		switch {
		case a.status.slow():
			s.throttled()
		case a.status == statusOK:
			s.welcome()
		}
		if a.status.outcome() != sms.Later || first || again == mostAgain || time.Until(deadline) < shortest {
			return heardOf(a)
		}
	}
}

// heardOf is what an answer says of one part.
func heardOf(a answer) sms.Result {
	r := sms.Result{Outcome: a.status.outcome(), Answer: sms.OneLine(strings.TrimSpace(a.status.String()+" "+a.words), 200)}
	if r.Outcome == sms.Accepted {
		r.Parts = []string{a.id}
		return r
	}
	r.Err = &failure{doing: "answer", status: a.status}
	return r
}

// failed is the result of an attempt that ended without an answer.
func failed(o sms.Outcome, err error) sms.Result {
	doing := "write"
	if o == sms.Unsure {
		doing = "answer"
	}
	return sms.Result{Outcome: o, Err: &failure{doing: doing, cause: err}}
}

// kept is the result of a message that did not leave us. err is ours and safe to log.
func kept(o sms.Outcome, err error) sms.Result {
	return sms.Result{Outcome: o, Err: &failure{doing: "hold", cause: err}}
}

// part makes the PDU of one part for the time that is left.
type part func(left time.Duration) pdu.PDU

// encode makes the parts of a message.
//
// The header that joins parts has an 8-bit reference: [sms.Split] cuts at 153 septets,
// and with the 16-bit one there would be place for 152. Two messages to a telephone are
// told apart as long as fewer than 256 in parts go between them.
func (s *Session) encode(m sms.Message) ([]part, error) {
	if !e164.MatchString(m.To) {
		return nil, errors.New("the number is not in E.164")
	}
	coding, texts := sms.Split(m.Text)
	if len(texts) > mostLength {
		return nil, errors.New("the text is too long")
	}
	var enc data.Encoding = data.GSM7BIT
	if coding == sms.UCS2 {
		enc = data.UCS2
	}
	var reference byte
	if len(texts) > 1 {
		reference = byte(s.numbers.Add(1))
	}
	parts := make([]part, len(texts))
	for i, text := range texts {
		parts[i] = func(left time.Duration) pdu.PDU {
			p := pdu.NewSubmitSM().(*pdu.SubmitSM)
			p.SourceAddr, p.DestAddr = s.from.pdu(), address{1, 1, m.To[1:]}.pdu()
			p.RegisteredDelivery = data.SM_SMSC_RECEIPT_REQUESTED
			p.ValidityPeriod = validity(left)
			p.RegisterOptionalParam(pdu.Field{Tag: tagReference, Data: binary.BigEndian.AppendUint16(nil, m.Reference)})
			_ = p.Message.SetMessageDataWithEncoding(text, enc) // Split keeps it within 160 bytes
			if len(texts) > 1 {
				p.EsmClass = data.SM_UDH_GSM
				p.Message.SetUDH(pdu.UDH{{ID: 0, Data: []byte{reference, byte(len(texts)), byte(i + 1)}}})
			}
			return p
		}
	}
	return parts, nil
}

func (a address) pdu() pdu.Address {
	p := pdu.NewAddressWithTonNpi(a.ton, a.npi)
	_ = p.SetAddress(a.text) // at most 15 characters
	return p
}

// validity is a time as a relative validity_period: YYMMDDhhmmss000R (section 7.1.1.2).
func validity(left time.Duration) string {
	seconds := int(min(max(left, shortest), longest) / time.Second)
	return fmt.Sprintf("0000%02d%02d%02d%02d000R", seconds/86400, seconds/3600%24, seconds/60%60, seconds%60)
}

// Cancel asks the centre to drop a part that it accepted for a number, in E.164, and did
// not deliver yet. True is the centre's own yes; else the part may still arrive. The
// error says why not; its text is safe to log.
func (s *Session) Cancel(ctx context.Context, id, to string) (bool, error) {
	if id == "" || len(id) > 64 || !e164.MatchString(to) {
		return false, errors.New("smpp: cancel: no id, or no number")
	}
	s.mu.Lock()
	l := s.link
	s.mu.Unlock()
	if l == nil {
		return false, &failure{doing: "cancel", cause: errNotBound}
	}
	p := pdu.NewCancelSM().(*pdu.CancelSM)
	p.MessageID, p.SourceAddr, p.DestAddr = id, s.from.pdu(), address{1, 1, to[1:]}.pdu()
	sequence, r := l.expect(cancelSMResp)
	b, err := encode(p, sequence, statusOK)
	if err == nil {
		err = l.write(b)
	}
	if err != nil {
		l.forget(sequence)
		return false, &failure{doing: "cancel", cause: err}
	}
	a, ok, err := l.await(ctx, r, s.config.Timeouts.Answer, func(answer) {})
	if !ok {
		return false, &failure{doing: "cancel", cause: err}
	}
	if a.status != statusOK {
		return false, &failure{doing: "cancel", status: a.status}
	}
	return true, nil
}
