package door

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"math"
	"sync"
	"time"
)

// keys sign what people carry; one for each use, so that a seat is no ticket.
type keys struct{ tickets, seats *signer }

func newKeys(key []byte) keys {
	derive := func(use string) *signer {
		m := hmac.New(sha256.New, key)
		m.Write([]byte("preau door 1 " + use))
		key := m.Sum(nil)
		return &signer{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
	}
	return keys{derive("ticket"), derive("seat")}
}

// signer signs with one key. Half of a signature's work is the key's: what did it is used again.
type signer struct{ macs sync.Pool }

// mac adds the signature of b to out.
func (s *signer) mac(out, b []byte) []byte {
	m := s.macs.Get().(hash.Hash)
	defer s.macs.Put(m)
	m.Reset()
	m.Write(b)
	return m.Sum(out)
}

// ticketOf is a place in line. It names nobody: a lane, a school's hash, when it was given
// and a number by lot.
type ticketOf struct {
	lane    Lane
	school  uint32
	class   uint32
	id      uint64
	arrived time.Time
}

// lot is where the ticket stands in its bucket, in [0, 1).
func (t ticketOf) lot() float64 { return float64(t.id>>11) / math.Exp2(53) }

// seatOf is what whoever entered holds. arrived is when they came to the door: evidence of
// how long they waited.
type seatOf struct {
	id                     uint64
	arrived, entered, seen time.Time
}

const (
	macLength    = 16
	ticketLength = 1 + 1 + 4 + 4 + 8 + 8
	seatLength   = 1 + 8 + 8 + 8 + 8
	version      = 2
	seatVersion  = 3
)

func (k keys) giveTicket(t ticketOf) string {
	b := make([]byte, 0, ticketLength+macLength)
	b = append(b, version, byte(t.lane))
	b = binary.BigEndian.AppendUint32(b, t.school)
	b = binary.BigEndian.AppendUint32(b, t.class)
	b = binary.BigEndian.AppendUint64(b, t.id)
	b = binary.BigEndian.AppendUint64(b, uint64(t.arrived.UnixMilli()))
	return sealed(k.tickets, b)
}

// ticket reads a ticket of ours that is not older than it may be.
func (k keys) ticket(value string, now time.Time) (t ticketOf, ok bool) {
	b, ok := opened(k.tickets, value, ticketLength)
	if !ok || b[0] != version || Lane(b[1]) >= lanes {
		return t, false
	}
	t = ticketOf{lane: Lane(b[1]), school: binary.BigEndian.Uint32(b[2:]), class: binary.BigEndian.Uint32(b[6:]), id: binary.BigEndian.Uint64(b[10:]), arrived: time.UnixMilli(int64(binary.BigEndian.Uint64(b[18:])))}
	age := now.Sub(t.arrived)
	return t, age < maxKept && age > -clockStep // a clock that was put back takes no place away
}

func (k keys) giveSeat(s seatOf) string {
	b := make([]byte, 0, seatLength+macLength)
	b = append(b, seatVersion)
	b = binary.BigEndian.AppendUint64(b, s.id)
	b = binary.BigEndian.AppendUint64(b, uint64(s.arrived.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(s.entered.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(s.seen.UnixMilli()))
	return sealed(k.seats, b)
}

// seat reads a seat of ours whose holder has not been away for too long.
func (k keys) seat(value string, now time.Time) (s seatOf, ok bool) {
	b, ok := opened(k.seats, value, seatLength)
	if !ok || b[0] != seatVersion {
		return s, false
	}
	at := func(i int) time.Time { return time.UnixMilli(int64(binary.BigEndian.Uint64(b[i:]))) }
	s = seatOf{id: binary.BigEndian.Uint64(b[1:]), arrived: at(9), entered: at(17), seen: at(25)}
	away := now.Sub(s.seen)
	return s, away < seatLife && away > -clockStep
}

func sealed(key *signer, b []byte) string {
	return base64.RawURLEncoding.EncodeToString(key.mac(b, b)[:len(b)+macLength])
}

// opened gives what sealed signed with the same key, and nothing else. One value has one
// spelling.
func opened(key *signer, value string, length int) ([]byte, bool) {
	if len(value) != base64.RawURLEncoding.EncodedLen(length+macLength) {
		return nil, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(value) // which leaves line ends out
	if err != nil || len(b) != length+macLength {
		return nil, false
	}
	var sum [sha256.Size]byte
	return b[:length], hmac.Equal(key.mac(sum[:0], b[:length])[:macLength], b[length:])
}

// spent remembers which tickets have entered, in a fixed room: a Bloom filter of two
// generations. One person in ten thousand with a ticket is taken for somebody who entered,
// and gets a new place; nobody enters twice with one.
type spent struct {
	now, before []uint64
	n           int
}

const (
	spentBits  = 1 << 23 // a generation, 1 MB
	spentMost  = 400_000 // tickets of a generation
	spentWords = spentBits / 64
)

func newSpent() spent {
	return spent{now: make([]uint64, spentWords), before: make([]uint64, spentWords)}
}

// spots are where a number is marked: seven places that the number itself gives.
func spots(id uint64) (out [7]uint64) {
	h := id
	for i := range out {
		h ^= h >> 33
		h *= 0xff51afd7ed558ccd
		h ^= h >> 33
		h *= 0xc4ceb9fe1a85ec53
		h ^= h >> 33
		out[i] = h % spentBits
	}
	return out
}

func (s *spent) add(id uint64) {
	if s.n++; s.n > spentMost {
		s.now, s.before, s.n = s.before, s.now, 1
		clear(s.now)
	}
	for _, at := range spots(id) {
		s.now[at/64] |= 1 << (at % 64)
	}
}

func (s *spent) has(id uint64) bool {
	in := func(words []uint64) bool {
		for _, at := range spots(id) {
			if words[at/64]&(1<<(at%64)) == 0 {
				return false
			}
		}
		return true
	}
	return in(s.now) || in(s.before)
}
