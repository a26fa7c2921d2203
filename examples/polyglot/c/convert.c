/* Reads lines of "value from to" and answers each with one line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

static const struct unit *find(const char *name)
{
    for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++)
        if (strcmp(UNITS[i].name, name) == 0)
            return &UNITS[i];
    return NULL;
}

/* Six digits after the point, rounded by arithmetic that every language shares: printf and its like differ on ties. */
static void answer(double x)
{
    double size = x < 0 ? -x : x;
    if (size > 9e9) {
        puts("too large");
        return;
    }
    long long micro = (long long)(size * 1e6 + 0.5);
    printf("%s%lld.%06lld\n", x < 0 && micro > 0 ? "-" : "", micro / 1000000, micro % 1000000);
}

int main(void)
{
    char value[64], from[64], to[64];
    while (scanf("%63s %63s %63s", value, from, to) == 3) {
        const struct unit *a = find(from), *b = find(to);
        if (!a || !b)
            puts("unknown unit");
        else if (strcmp(a->quantity, b->quantity) != 0)
            printf("no way from %s to %s\n", a->quantity, b->quantity);
        else
            answer((strtod(value, NULL) + a->offset) * a->factor / b->factor - b->offset);
    }
    return 0;
}
