package limits

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	// Bytes may be in pieces, as in 1G 512M, and have fractions.
	bytesPattern = regexp.MustCompile(`^(\d+(\.\d+)?\s*[BKMGTPE]?\s*)+$`)
	// Of what there is: percent, per mille and parts of ten thousand, with the decimals that leave whole ones of these.
	percentPattern = regexp.MustCompile(`^(\d+)(\.\d{1,2})?%$|^(\d+)(\.\d)?‰$|^(\d+)‱$`)
	numberPattern  = regexp.MustCompile(`^(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|\d+)$`)
	nothing        = regexp.MustCompile(`^[0.\s]*[A-Z%‰‱]?$`)
)

// part reads a part of a whole, in ten thousandths.
func part(value string) (int, bool) {
	found := percentPattern.FindStringSubmatch(value)
	if found == nil {
		return 0, false
	}
	whole, err := strconv.Atoi(cmp.Or(found[1], found[3], found[5]))
	if err != nil || whole > 1_000_000 {
		return 0, false
	}
	fraction := 0.0
	if decimals := found[2] + found[4]; decimals != "" {
		fraction, _ = strconv.ParseFloat("0"+decimals, 64) // the pattern has only digits there
	}
	per := 1.0
	switch {
	case found[1] != "":
		per = 100
	case found[3] != "":
		per = 10
	}
	return int(math.Round(per * (float64(whole) + fraction))), true
}

func wrongMemory(value string, zero bool) string {
	share, is := part(value)
	if value == "infinity" || (is && share <= 10_000 || bytesPattern.MatchString(value)) && (zero || !nothing.MatchString(value)) {
		return ""
	}
	return "bytes with K, M, G or T, such as 512M, a share of the machine's memory, such as 25%, or infinity"
}

func wrongTasks(value string) string {
	share, is := part(value)
	if value == "infinity" || is && share <= 10_000 || numberPattern.MatchString(value) && !nothing.MatchString(value) {
		return ""
	}
	return "a number above 0, a share of what the machine may have, such as 10%, or infinity"
}

func wrongQuota(value string) string {
	if share, is := part(value); is && share > 0 {
		return ""
	}
	return "the share of one processor, such as 50%, or 200% for two"
}

func wrongWeight(value string) string {
	if within(1, 10_000)(value) == "" {
		return ""
	}
	return "a number from 1 to 10000; 100 is that of others"
}

// wrongCount is of a limit of the kernel: the soft one, and the hard one where it is another.
func wrongCount(value string) string {
	soft, hard, two := strings.Cut(value, ":")
	if !two {
		hard = soft
	}
	read := func(text string) (uint64, bool) {
		n, err := strconv.ParseUint(text, 0, 64)
		return n, err == nil && numberPattern.MatchString(text)
	}
	least, is := read(soft)
	most, also := read(hard)
	if hard == "infinity" && (is || soft == "infinity") || is && also && least <= most {
		return ""
	}
	return "a number such as 65536, two such as 1024:65536 for the soft and the hard limit, or infinity"
}

func wrongCPUWeight(value string) string {
	if value == "idle" {
		return ""
	}
	return wrongWeight(value)
}

func within(least, most int) func(string) string {
	return func(value string) string {
		if n, err := strconv.ParseInt(value, 0, 0); err == nil && int(n) >= least && int(n) <= most {
			return ""
		}
		return fmt.Sprintf("a number from %d to %d", least, most)
	}
}

func oneOf(values ...string) func(string) string {
	return func(value string) string {
		if slices.Contains(values, value) {
			return ""
		}
		return "one of " + strings.Join(values, ", ")
	}
}
