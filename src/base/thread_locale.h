/*
** newlocale and uselocale, which POSIX has in <locale.h>.
*/

#ifndef WS_THREAD_LOCALE_H
#define WS_THREAD_LOCALE_H

#include <locale.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

#endif
