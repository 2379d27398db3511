package scrub

import "strings"

// CutMark stands where text was cut, so that what is left of a secret there can be taken out.
const CutMark = "[…]"

// Text replaces the secrets in text by ***. Where text was cut (CutMark), the end of one may be left behind the mark, and
// the beginning of one before it: those are taken out as well.
func (s *Secrets) Text(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	pieces := strings.Split(text, CutMark)
	for i, piece := range pieces {
		hidden := make([]bool, len(piece))
		for form, encoded := range s.forms {
			hide(hidden, piece, form, encoded, i > 0, i < len(pieces)-1)
		}
		pieces[i] = blank(piece, hidden)
	}
	return strings.Join(pieces, CutMark)
}

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"

// hide marks the bytes of piece that belong to secret: wherever it stands, also where it overlaps another, and what the
// cuts before and behind piece have left of it. The letters beside one that is encoded in base64 hold some of its bits.
func hide(hidden []bool, piece, secret string, encoded, cutBefore, cutBehind bool) {
	mark := func(from, to int) {
		for i := from; i < to; i++ {
			hidden[i] = true
		}
	}
	for from := 0; ; {
		at := strings.Index(piece[from:], secret)
		if at < 0 {
			break
		}
		mark(from+at, from+at+len(secret))
		if encoded {
			for _, beside := range []int{from + at - 1, from + at + len(secret)} {
				if beside >= 0 && beside < len(piece) && strings.IndexByte(base64Letters, piece[beside]) >= 0 {
					mark(beside, beside+1)
				}
			}
		}
		from += at + 1
	}
	if cutBefore && cutBehind && strings.Contains(secret, piece) {
		mark(0, len(piece))
	}
	for n := min(len(secret)-1, len(piece)); n > 0; n-- {
		if cutBefore && strings.HasPrefix(piece, secret[len(secret)-n:]) {
			mark(0, n)
		}
		if cutBehind && strings.HasSuffix(piece, secret[:n]) {
			mark(len(piece)-n, len(piece))
		}
	}
}

// blank writes *** in place of each run of hidden bytes.
func blank(text string, hidden []bool) string {
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			b.WriteString("***")
		}
	}
	return b.String()
}
