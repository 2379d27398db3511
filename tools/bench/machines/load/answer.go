package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// answerLimit bounds an answer: those of the instances and of proxies are short.
const answerLimit = 4096

// answer is what matters of one.
type answer struct {
	status  int
	release string
	fault   bool
	// last: the connection ends with it.
	last bool
}

var errNothing = errors.New("nothing was answered")

// readAnswer reads one answer to its last byte. errNothing is in the error where not one came.
func readAnswer(r io.Reader, buffer []byte) (answer, error) {
	n, head := 0, -1
	for head < 0 {
		if n == len(buffer) {
			return answer{}, fmt.Errorf("the head of the answer is longer than %d bytes", n)
		}
		m, err := r.Read(buffer[n:])
		n += m
		if head = bytes.Index(buffer[:n], []byte("\r\n\r\n")); head >= 0 {
			break
		}
		if err != nil {
			if n == 0 {
				return answer{}, fmt.Errorf("%w: %w", errNothing, err)
			}
			return answer{}, fmt.Errorf("cut off in the head: %w", err)
		}
	}
	a, length, err := parseHead(buffer[:head])
	if err != nil {
		return a, err
	}
	have := n - head - len("\r\n\r\n")
	for length < 0 || have < length {
		m, err := r.Read(buffer) // The body is not looked at.
		have += m
		if err != nil {
			if length < 0 && errors.Is(err, io.EOF) {
				return a, nil
			}
			if have != length {
				return a, fmt.Errorf("cut off after %d of %d bytes: %w", have, length, err)
			}
		}
	}
	if have > length {
		return a, fmt.Errorf("%d bytes came behind an answer of %d", have-length, length)
	}
	return a, nil
}

// parseHead reads a status line and the headers that matter. A length below 0: to the end of the connection.
func parseHead(head []byte) (a answer, length int, err error) {
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return a, 0, fmt.Errorf("no HTTP: %q", line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, 0, fmt.Errorf("no HTTP: %q", line)
	}
	a.last = line[7] == '0'
	length = -1
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 {
				return a, 0, fmt.Errorf("an answer of length %q", value)
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return a, 0, fmt.Errorf("an answer in the form %q, which is not read here", value)
		case bytes.EqualFold(name, []byte("Connection")):
			a.last = bytes.EqualFold(value, []byte("close"))
		case bytes.EqualFold(name, []byte(ReleaseHeader)):
			a.release = string(value)
		case bytes.EqualFold(name, []byte(FaultHeader)):
			a.fault = true
		}
	}
	a.last = a.last || length < 0
	return a, length, nil
}
