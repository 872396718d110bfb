import { Suspense, useEffect } from 'react'
import { Route, Switch, useLocation } from 'wouter'
import { followCloud } from '../live/live.ts'
import { PAGES } from '../pages.ts'
import { SignInDialog } from '../session/sign-in.tsx'
import { Empty, Skeleton } from '../ui/parts.tsx'
import { Announcer } from './announcer.tsx'
import { useKeys } from './keys.ts'
import { Brand, Navigation } from './navigation.tsx'
import { TopBar } from './top-bar.tsx'

/** What stands around every page. */
export function Shell() {
  const [location] = useLocation()
  useEffect(followCloud, [])
  useKeys()
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page starts at its top
  useEffect(() => {
    scrollTo(0, 0)
  }, [location.split('/')[1]])
  return (
    <div className="shell">
      {/* biome-ignore lint/a11y/useValidAnchor: it moves the focus; a hash would be another page */}
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault()
          document.getElementById('main')?.focus()
        }}
      >
        Skip to the content
      </a>
      <aside className="side">
        <Brand />
        <Navigation />
        <p className="side-foot">{window.location.host}</p>
      </aside>
      <div>
        <TopBar />
        <main className="main" id="main" tabIndex={-1}>
          <Suspense fallback={<Skeleton lines={6} />}>
            <Switch>
              {PAGES.map(({ path, component }) => (
                <Route key={path} path={path} component={component} />
              ))}
              <Route>
                <Empty title="There is no such page">
                  <p>
                    The address may be an old one. <a href="#/">Go to the overview</a>
                  </p>
                </Empty>
              </Route>
            </Switch>
          </Suspense>
        </main>
      </div>
      <SignInDialog />
      <Announcer />
    </div>
  )
}
