package account

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Hash is a password after argon2id, as a PHC string:
// $argon2id$v=19$m=12288,t=3,p=1$salt$key. It never leaves this package's table.
type Hash string

// Cost is what one check of a password costs. The zero Cost is the usual one.
type Cost struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// usualCost is one of the settings that OWASP's Password Storage Cheat Sheet lists
// as equal, the least of argon2id; 21 ms of one core where it was measured, beside 24
// with 19 MiB and two passes (decision 27).
var usualCost = Cost{Memory: 12 * 1024, Passes: 3, Threads: 1}

// Bounds of what is taken from a stored string, so that a damaged row cannot ask
// for all the memory there is.
const (
	maxMemory  = 1 << 20 // KiB: 1 GiB
	maxPasses  = 100
	maxThreads = 16
	saltBytes  = 16
	keyBytes   = 32
)

var errHash = errors.New("account: a stored password cannot be read")

func (c Cost) orUsual() Cost {
	if c == (Cost{}) {
		return usualCost
	}
	return c
}

// HashPassword makes what is stored of a password. It takes tens of milliseconds
// and belongs neither inside a transaction nor on the way of a request (there is
// Keeper.Hash): it is for commands and demos.
func HashPassword(password string, c Cost) Hash {
	c = c.orUsual()
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	return c.phc(salt, c.key(password, salt, keyBytes))
}

func (c Cost) key(password string, salt []byte, size uint32) []byte {
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, c.Passes, c.Memory, c.Threads, size)
}

func (c Cost) phc(salt, key []byte) Hash {
	b64 := base64.RawStdEncoding
	return Hash(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Threads,
		b64.EncodeToString(salt), b64.EncodeToString(key)))
}

// check does the whole work once and tells whether the password is the one that
// was hashed.
func (h Hash) check(password string) (bool, error) {
	c, salt, key, err := h.parse()
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(c.key(password, salt, uint32(len(key))), key) == 1, nil
}

// stale tells whether the hash was made at another cost than today's.
func (h Hash) stale(today Cost) bool {
	c, salt, key, err := h.parse()
	return err != nil || c != today || len(salt) != saltBytes || len(key) != keyBytes
}

// parse reads a PHC string. The error does not repeat it.
func (h Hash) parse() (Cost, []byte, []byte, error) {
	fail := func() (Cost, []byte, []byte, error) { return Cost{}, nil, nil, errHash }
	parts := strings.Split(string(h), "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return fail()
	}
	var c Cost
	given := strings.Split(parts[3], ",")
	if len(given) != 3 {
		return fail()
	}
	for i, name := range []string{"m=", "t=", "p="} {
		text, ok := strings.CutPrefix(given[i], name)
		if !ok {
			return fail()
		}
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil || n == 0 {
			return fail()
		}
		switch {
		case i == 0 && n <= maxMemory:
			c.Memory = uint32(n)
		case i == 1 && n <= maxPasses:
			c.Passes = uint32(n)
		case i == 2 && n <= maxThreads:
			c.Threads = uint8(n)
		default:
			return fail()
		}
	}
	b64 := base64.RawStdEncoding.Strict()
	salt, err := b64.DecodeString(parts[4])
	if err != nil || len(salt) < 8 || len(salt) > 64 {
		return fail()
	}
	key, err := b64.DecodeString(parts[5])
	if err != nil || len(key) < 16 || len(key) > 64 {
		return fail()
	}
	return c, salt, key, nil
}
